"""Threads at the engine in a Python without the GIL, and what the sanitizer of threads says of it.

python -m tests.free_threads PYTHON ENGINE SUPPRESSIONS [SECONDS]

PYTHON and ENGINE are built with the sanitizer; SUPPRESSIONS are that Python's own. A report in
which the engine's code is named makes it fail; of Python's own races it says how many there were.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.free_threads.frontend import serve
from tests.harness.scripted_upstream import scripted

ROOT = Path(__file__).parents[2]
KINDS = {
    "imports": "the module",
    "own": "each its own objects",
    "shared": "all the same objects",
    "pairs": "all the same objects, two uses at a time",
}
ENGINES = re.compile(r"\bcsrc/|\b_engine\.")
RACY = 66  # How a process ends of which there is a report.


@dataclass(frozen=True)
class Outcome:
    status: int
    said: str
    reports: list[str]

    @property
    def engines(self) -> list[str]:
        return [report for report in self.reports if ENGINES.search(report)]

    @property
    def others(self) -> Counter[str]:
        lines = (report for report in self.reports if not ENGINES.search(report))
        return Counter(line.rpartition(" in ")[2] for line in lines)

    @property
    def is_good(self) -> bool:
        return not self.engines and self.status in (0, RACY)


def environment(engine: str, suppressions: Path, log: Path, kind: str) -> dict[str, str]:
    options = f"exitcode={RACY} history_size=6 suppressions={suppressions} log_path={log}"
    # The import alone is to leave the GIL off; for the others it is kept off whatever comes.
    gil = {} if kind == "imports" else {"PYTHON_GIL": "0"}
    return {
        **os.environ, **gil, "TSAN_OPTIONS": options,
        "PYTHONPATH": str(ROOT / "tests/builds"), "SAMESITE_PROXY_ENGINE": engine,
    }  # fmt: skip


def run(python: str, engine: str, suppressions: Path, kind: str, seconds: str) -> Outcome:
    with tempfile.TemporaryDirectory() as folder, scripted(serve) as frontend:
        log = Path(folder, "report")
        process = subprocess.run(
            [python, "-m", "tests.free_threads.threads", kind, frontend.url, seconds],
            cwd=ROOT, env=environment(engine, suppressions, log, kind),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        text = "\n".join(path.read_text() for path in Path(folder).iterdir())
    reports = re.findall(r"^WARNING: ThreadSanitizer.*?^SUMMARY: [^\n]*", text, re.M | re.S)
    return Outcome(process.returncode, process.stdout, reports)


def main(python: str, engine: str, suppressions: str, seconds: str = "60") -> int:
    outcomes = []
    with tempfile.NamedTemporaryFile("w", suffix=".supp") as both:
        for path in (Path(suppressions), ROOT / "tests/builds/races.supp"):
            both.write(path.read_text() + "\n")
        both.flush()
        for kind, words in KINDS.items():
            outcome = run(python, engine, Path(both.name), kind, seconds)
            outcomes.append(outcome)
            print(f"{words}: {outcome.said.strip()}")
            print(f"  races of the engine's: {len(outcome.engines)}; ended with {outcome.status}")
            for line, count in outcome.others.items():
                print(f"  race of Python's own, {count}: {line}")
            print(*outcome.engines, sep="\n", flush=True)
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
