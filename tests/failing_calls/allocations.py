"""Each allocation of each visit fails, and each twentieth of a save's; a table of what came of it.

python -m tests.failing_calls.allocations [SEED]
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.failing_calls.saves import SaveSweep
from tests.failing_calls.sweep import Report, Sweep

OUTCOMES = ("whole", "refused", "broken")
STRIDE_OF_SAVES = 20


def reports(folder: Path, seed: int) -> Iterator[Report]:
    with Sweep(folder) as sweep:
        yield from sweep.run_all(1, 0)
    with SaveSweep(folder) as saves:
        yield saves.run(STRIDE_OF_SAVES, seed)


def main(seed: int) -> int:
    wrong = []
    print(f"{'visit':<20}{'failed':>9}" + "".join(f"{word:>9}" for word in OUTCOMES))
    with tempfile.TemporaryDirectory() as folder:
        for report in reports(Path(folder), seed):
            counts = "".join(f"{report.outcomes.get(word, 0):>9}" for word in OUTCOMES)
            print(f"{report.scene:<20}{report.failed:>9}{counts}", flush=True)
            wrong += [f"{report.scene}: {each}" for each in report.wrong]
    print("", f"{len(wrong)} things wrong", *wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(int([*sys.argv[1:], "0"][0])))
