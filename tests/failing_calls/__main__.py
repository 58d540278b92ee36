"""Calls of the engine's fail under traffic, for long, by every way in; a table of what came of it.

python -m tests.failing_calls [MINUTES] [SEED]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.failing_calls.trial import KINDS, OUTCOMES, Report, Trial
from tests.harness.calls import KINDS as CALLS

SECONDS = 40.0  # For one server.


def line_of(report: Report) -> str:
    return f"{report.kind:<16}{report.seed:>12}{sum(report.failed.values()):>9}{report.counts}"


def tried(kind: str, seed: int) -> Report:
    with tempfile.TemporaryDirectory() as folder, Trial(kind, Path(folder), seed) as trial:
        return trial.run(SECONDS)


def summary(reports: list[Report]) -> str:
    failed: Counter[str] = Counter()
    for report in reports:
        failed.update(report.failed)
    rows = [
        f"{call:<12}{CALLS[call]:>8}{times:>10}" for call, times in failed.items() if CALLS[call]
    ]
    wrong = [f"{report.kind}, seed {report.seed}: {w}" for report in reports for w in report.wrong]
    return "\n".join([
        "", f"{'call':<12}{'1 of':>8}{'failed':>10}", *rows,
        "", f"{sum(sum(report.outcomes.values()) for report in reports)} visits; "
        f"{len(wrong)} things wrong", *wrong,
    ])  # fmt: skip


def main(minutes: float, seed: int) -> int:
    until = time.monotonic() + minutes * 60
    seed = seed or int(time.time())
    reports: list[Report] = []
    print(f"{'server':<16}{'seed':>12}{'failed':>9}" + "".join(f"{word:>9}" for word in OUTCOMES))
    while time.monotonic() < until:
        for kind in KINDS:
            reports.append(tried(kind, seed))
            print(line_of(reports[-1]), flush=True)
        seed += 1
    print(summary(reports))
    return 1 if any(report.wrong for report in reports) else 0


if __name__ == "__main__":
    minutes, seed = [*sys.argv[1:], *["30", "0"][len(sys.argv) - 1 :]]
    sys.exit(main(float(minutes), int(seed)))
