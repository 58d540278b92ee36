"""One server, whose calls fail for a while under traffic, and which then serves as before."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tests.asgi import servers
from tests.failing_calls.frontend import Frontend
from tests.failing_calls.visits import Tally, Visitor
from tests.harness.calls import Calls
from tests.harness.django_servers import DjangoServer
from tests.harness.scripted_upstream import scripted
from tests.harness.tls import make_certificate, over_tls
from tests.process.processes import DEADLINE, descriptors

KINDS = (
    "fastpath", "runserver", "sync", "gthread", "gevent", *servers.front("uvicorn", "hypercorn"),
)  # fmt: skip
OUTCOMES = ("whole", "refused", "broken", "wrong")
VISITORS = 6
# Kept for the next one: connections to the frontend, pipes of the kernel's.
SPARE_DESCRIPTORS = 24
# And blocks of memory: the same, and what clients that are still connected have.
SPARE_BLOCKS = 400
ABORTED = ("Sanitizer", "runtime error:", "Segmentation fault", "SIGSEGV", "SIGABRT")


@dataclass
class Report:
    """What a trial has found."""

    kind: str
    seed: int
    outcomes: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def count(self, outcome: str) -> int:
        """Of all visits that have come to this."""
        return sum(times for name, times in self.outcomes.items() if name.endswith(outcome))

    @property
    def counts(self) -> str:
        """In the columns of OUTCOMES."""
        return "".join(f"{self.count(outcome):>9}" for outcome in OUTCOMES)


Visiting = Callable[[float], None]


class Trial:
    """A server of this kind with its frontend, until the end of the block."""

    def __init__(self, kind: str, folder: Path, seed: int) -> None:
        self.kind = kind
        self.seed = seed
        self.seeds = itertools.count(seed * 1_000_000)  # No name is told twice.
        self.frontend = Frontend()
        self.calls = Calls(folder / "calls")
        certificate = make_certificate(folder, "localhost")
        self._plain = scripted(self.frontend)
        self._encrypted = scripted(over_tls(certificate.context, self.frontend))
        self._settings: dict[str, Any] = {"CA_FILE": certificate.path}

    def __enter__(self) -> Self:
        plain, encrypted = self._plain.__enter__(), self._encrypted.__enter__()
        frontends = {"/": plain.url, "/tls": f"https://localhost:{encrypted.port}"}
        self.server = self.start({"FRONTEND": frontends, **self._settings})
        return self

    def start(self, settings: dict[str, Any]) -> DjangoServer:
        return DjangoServer(self.kind, settings, **self.calls.environment())

    def __exit__(self, *unused: object) -> None:
        self.server.stop()
        self._encrypted.__exit__(None, None, None)
        self._plain.__exit__(None, None, None)

    def _descriptors(self) -> int:
        return sum(len(descriptors(pid)) for pid in self.server.pids())

    def in_order(self, report: Report) -> None:
        """Each kind of visit once; complains of what is not whole."""
        tally = Tally()
        visitor = self.visitor(tally)
        for visit in visitor.visits:
            outcome = visitor.visit(visit)
            if outcome != "whole":
                report.wrong.append(f"{visit.__name__} was {outcome} though nothing fails any more")
        report.wrong += tally.wrong
        visitor.leave()

    def visitor(self, tally: Tally) -> Visitor:
        return Visitor(self.kind, self.server.port, self.frontend, tally, next(self.seeds))

    def under_fire(
        self, report: Report, seconds: float, tally: Tally, visiting: Sequence[Visiting]
    ) -> None:
        until = time.monotonic() + seconds
        threads = [threading.Thread(target=visit, args=(until,)) for visit in visiting]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        report.outcomes = dict(tally.outcomes)
        report.wrong += tally.wrong

    def _wait_for_descriptors(self, report: Report, before: int) -> None:
        deadline = time.monotonic() + DEADLINE
        while (now := self._descriptors()) > before + SPARE_DESCRIPTORS:
            if time.monotonic() > deadline:
                report.wrong.append(f"{now} descriptors, and {before} before")
                return
            time.sleep(0.05)  # Between looks, until the deadline.

    def judge(self, report: Report, pids: Sequence[int]) -> None:
        doubled = [name for name, times in self.frontend.posts.items() if times > 1]
        report.wrong += [f"sent twice: {name}" for name in doubled]
        report.wrong += self.frontend.strange
        log = self.server.log()
        if not set(pids) <= set(self.server.pids()) or any(word in log for word in ABORTED):
            report.wrong.append(f"a process has ended:\n{log}")

    def run(self, seconds: float) -> Report:
        report = Report(self.kind, self.seed)
        self.in_order(report)
        self.calls.count()
        before, pids = self._descriptors(), self.server.pids()
        self.calls.fail(self.seed)
        tally = Tally()
        self.under_fire(report, seconds, tally, [self.visitor(tally) for _ in range(VISITORS)])
        report.failed = self.calls.failed
        self.calls.count()
        self._wait_for_descriptors(report, before)
        self.in_order(report)
        if self.calls.blocks > SPARE_BLOCKS:
            report.wrong.append(f"{self.calls.blocks} blocks of memory more than before")
        self.judge(report, pids)
        return report
