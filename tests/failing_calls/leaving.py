"""Clients that leave and answers that are broken off, by every way in; whether threads race.

python -m tests.failing_calls.leaving [MINUTES [SEED]]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.failing_calls.trial import OUTCOMES, VISITORS, Report, Trial
from tests.failing_calls.turns import Forker, Renewer
from tests.failing_calls.visits import Leaver, Tally
from tests.harness.django_servers import DjangoServer
from tests.process import servers
from tests.process.renewals import Watched, reload_workers

WAYS = ("fastpath", "gthread", "uvicorn front", "runserver")
# Where a save begins a new process.
RELOADING = {"fastpath": "reloading-fastpath"}


class Leaving(Trial):
    """Nothing fails. Half of the clients leave, at whatever stage, and the frontend breaks answers
    off; the server's processes fork, and are replaced: at a save, or by a HUP."""

    def __init__(self, kind: str, folder: Path, seed: int, *, forks: bool = True) -> None:
        super().__init__(kind, folder, seed)
        self._forks = forks
        self._watched = Watched(folder)

    def start(self, settings: dict[str, Any]) -> DjangoServer:
        given = {**servers.ENVIRONMENT, **self._watched.environment}
        return DjangoServer(RELOADING.get(self.kind, self.kind), settings, **given)

    def _renew(self) -> None:
        if self.kind in RELOADING:
            self._watched.save_until_restart(self.server)
        else:
            reload_workers(self.server)

    def _leaver(self, tally: Tally) -> Leaver:
        return Leaver(self.kind, self.server.port, self.frontend, tally, next(self.seeds))

    def run(self, seconds: float) -> Report:
        report, tally = Report(self.kind, self.seed), Tally()
        made = self.visitor, self._leaver
        visiting = [made[number % 2](tally) for number in range(VISITORS)]
        others: list[Forker | Renewer] = [Forker(self.server, tally)] if self._forks else []
        if self.kind in (*RELOADING, "gthread"):
            others.append(Renewer(self._renew, tally))
        self.under_fire(report, seconds, tally, [*visiting, *others])
        self.in_order(report)
        self.judge(report, [self.server.process.pid])
        return report


def tried(kind: str, seed: int, seconds: float) -> Report:
    with tempfile.TemporaryDirectory() as folder, Leaving(kind, Path(folder), seed) as trial:
        return trial.run(seconds)


def line_of(report: Report) -> str:
    told = (
        report.outcomes.get(f"{what} whole", 0) for what in ("ask_and_leave", "fork", "renewal")
    )
    return f"{report.kind:<16}{report.counts}" + "".join(f"{count:>9}" for count in told)


def main(minutes: str = "8", seed: str = "") -> int:
    number = int(seed or time.time())
    print(f"leaving: {minutes} minutes, seed {number}")
    words = (*OUTCOMES, "leave", "forks", "renewals")
    print(f"{'server':<16}" + "".join(f"{word:>9}" for word in words), flush=True)
    wrong = 0
    for kind in WAYS:
        report = tried(kind, number, float(minutes) * 60 / len(WAYS))
        print("\n".join([line_of(report), *report.wrong]), flush=True)
        wrong += len(report.wrong)
    print(f"\n{wrong} things wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
