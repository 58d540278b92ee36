"""python -m bench [--quick] [--only NAME] [--json FILE] [--publish PAGE]: measure and print."""

import argparse
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bench import machine, measure, table
from bench.apart import CaseFailed, apart, stop_on_signal
from bench.cases import CASES
from bench.document import document
from bench.effort import FULL, PUBLISHED, QUICK, Effort
from bench.kinds import Case, without_lacking
from bench.progress import Progress
from bench.published import publisher
from bench.published.store import OtherMachine
from bench.results import Result

SHARED_MEMORY = Path("/dev/shm")
FILES_NEED = 2 * measure.LARGE


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short runs, for development")
    parser.add_argument(
        "--only", metavar="NAME", action="append", help="the cases whose name contains NAME"
    )
    parser.add_argument("--json", metavar="FILE", help="write all figures; - for standard output")
    parser.add_argument("--publish", metavar="PAGE", type=Path, help="write a page with plots, too")
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    return parser.parse_args(arguments)


def files_parent() -> str | None:
    """Keep the upstream's files in memory where there is room."""
    try:
        space = os.statvfs(SHARED_MEMORY)
    except OSError:
        return None
    enough = space.f_bavail * space.f_frsize > FILES_NEED and os.access(SHARED_MEMORY, os.W_OK)
    return str(SHARED_MEMORY) if enough else None


def run(
    cases: Sequence[Case],
    effort: Effort,
    cores: machine.Cores,
    publish: Callable[[Result], None],
) -> tuple[list[Result], list[str]]:
    """Measure the cases; one that fails, or does not end, is told at once and stops no other."""
    results: list[Result] = []
    failed: list[str] = []
    present = [without_lacking(case) for case in cases]
    progress = Progress([effort.steps(case) for case, _ in present])
    with (
        tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder,
        tempfile.TemporaryDirectory(prefix="bench-", dir=files_parent()) as files,
    ):
        measure.write_files(Path(files), effort.slow_size)
        bench = measure.Bench(Path(folder), Path(files), cores, effort, progress)
        for number, (case, missing) in enumerate(present, start=1):
            progress.begin(number)
            try:
                result = apart(partial(bench.run, case), effort.deadline(case))
            except CaseFailed as error:
                progress.clear()
                print(f"{case.name} failed: {error}", file=sys.stderr, flush=True)
                failed.append(case.name)
                continue
            result.missing = missing
            results.append(result)
            publish(result)
    progress.clear()
    return results, failed


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    cases = [case for case in CASES if any(name in case.name for name in options.only or [""])]
    if options.list or not cases:
        print("\n".join(case.name for case in CASES))
        return 0 if options.list else 2
    missing = machine.missing_tools()
    if missing:
        print("\n".join(missing), file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, stop_on_signal)
    signal.signal(signal.SIGHUP, stop_on_signal)
    cores = machine.choose_cores()
    effort = PUBLISHED if options.publish else FULL
    effort = QUICK if options.quick else effort
    described = machine.description(cores)
    names = {case.name for case in cases}
    try:
        publish = publisher(options.publish, names, described, effort)
    except OtherMachine as error:
        print(error, file=sys.stderr)
        return 1
    os.sched_setaffinity(0, {cores.load})
    results, failed = run(cases, effort, cores, publish)
    if options.json != "-":
        print(table.render(results, described))
    if options.json:
        report = {
            **described,
            "quick": options.quick,
            "failed": failed,
            "cases": [document(result) for result in results],
        }
        text = json.dumps(report, indent=2, ensure_ascii=False)
        if options.json == "-":
            print(text)
        else:
            Path(options.json).write_text(f"{text}\n", encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        sys.exit(130)
