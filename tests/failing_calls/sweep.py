"""A server whose allocations fail one after the other: the first of a visit, the second, and so on,
alone or with all that follow it, until a visit has needed no more."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.engine.test_addresses import listening_at
from tests.failing_calls.frontend import Frontend
from tests.failing_calls.scenes import Scenes
from tests.failing_calls.trial import ABORTED
from tests.failing_calls.visits import Tally
from tests.harness.calls import Calls
from tests.harness.django_servers import Program, serving
from tests.harness.ports import free_port
from tests.harness.scripted_upstream import scripted
from tests.harness.tls import make_certificate, over_tls
from tests.process.processes import descriptors

MEMORY = ("memory", "libcurls_memory")
# Seconds. What waits for memory goes on then.
SHORT_FOR = 0.5
ALLOWED = {"whole", "refused", "broken"}
SPARE_BLOCKS = 2
LONG = 5.0  # More seconds than a connection to a frontend is kept.


@dataclass
class Report:
    """What the failures of one scene have led to."""

    scene: str
    failed: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def note(self, outcome: str) -> None:
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1


def how_of(kind: str, nth: int, and_all_after: bool) -> str:
    return f"{kind} {nth}{' and all after' if and_all_after else ''}"


def judge(report: Report, frontend: Frontend, server: Program) -> None:
    doubled = [name for name, times in frontend.posts.items() if times > 1]
    report.wrong += [f"sent twice: {name}" for name in doubled]
    report.wrong += frontend.strange
    log = server.log()
    if any(word in log for word in ABORTED) or server.process.poll() is not None:
        report.wrong.append(f"a process has ended:\n{log}")


class Sweep:
    """The server with its frontends, until the end of the block."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()

    def __enter__(self) -> Sweep:
        enter, frontend = self._stack.enter_context, Frontend()
        self.frontend = frontend
        self.calls = Calls(self._folder / "calls")
        certificate = make_certificate(self._folder, "localhost")
        plain, encrypted = (
            enter(scripted(frontend)),
            enter(scripted(over_tls(certificate.context, frontend))),
        )
        unix, self._held = self._folder / "frontend.sock", free_port()
        enter(listening_at(unix, frontend))
        frontends = {
            "/": plain.url,
            "/tls": f"https://localhost:{encrypted.port}",
            "/unix": f"unix:{unix}",
            "/held": f"http://127.0.0.1:{self._held}",
        }
        settings = {"FRONTEND": frontends, "CA_FILE": certificate.path}
        self.server = enter(serving("fastpath", settings, **self.calls.environment()))
        self.calls.count()
        self._tally = Tally()
        self._client = Scenes(self.server.port, frontend, self._tally, self.calls, self._held)
        return self

    def __exit__(self, *unused: object) -> None:
        self._client.leave()
        self._stack.close()

    def run_all(self, stride: int, seed: int) -> Iterator[Report]:
        """Hosts come first: of those so many are kept that a leak could not be seen."""
        scenes = self._client.scenes
        others = [scene for scene in scenes if "host" not in scene]
        yield from (self.run(scene, stride, seed) for scene in scenes if scene not in others)
        for scene in others:
            self._prepare()
            self._client.ask(scene)
        before = self._at_rest()
        yield from (self.run(scene, stride, seed) for scene in others)
        report = Report("rest")
        after = self._at_rest(before)
        if after[0] > before[0] or after[1] > before[1] + SPARE_BLOCKS:
            report.wrong.append(f"{after} descriptors and blocks of memory, and {before} before")
        yield report

    def _prepare(self) -> None:
        """What waits for a frontend that is down has heard it of late."""
        with scripted(self.frontend, port=self._held):
            self._client.first()

    def _in_use(self) -> tuple[int, int]:
        return sum(len(descriptors(pid)) for pid in self.server.pids()), self.calls.blocks

    def _at_rest(self, most: tuple[int, int] = (0, 0)) -> tuple[int, int]:
        """What is in use once it is no more than that, or has not changed for long."""
        self._client.leave()
        now = before = self._in_use()
        until = time.monotonic() + LONG
        while now > most and time.monotonic() < until:
            time.sleep(0.05)  # Between looks, until nothing changes.
            if (now := self._in_use()) != before:
                before, until = now, time.monotonic() + LONG
        return now

    def run(self, scene: str, stride: int = 1, seed: int = 0) -> Report:
        """Each of so many, the first by the seed."""
        report = Report(scene)
        self._prepare()
        self._whole(report, "before anything failed")
        kinds = MEMORY[:1] if "tls" in scene else MEMORY
        for kind, and_all_after in itertools.product(kinds, (False, True)):
            for nth in itertools.count(1 + seed % stride, stride):
                if not self._fail(report, kind, nth, and_all_after):
                    break
        judge(report, self.frontend, self.server)
        return report

    def _fail(self, report: Report, kind: str, nth: int, and_all_after: bool) -> bool:
        """Whether anything failed."""
        self.calls.fail_nth(kind, nth, and_all_after=and_all_after)
        later = threading.Timer(SHORT_FOR, self.calls.count)
        later.start()
        outcome = self._client.ask(report.scene)
        later.cancel()
        later.join()
        failed = self.calls.failed[kind]
        self.calls.count()
        how = how_of(kind, nth, and_all_after)
        if outcome not in ALLOWED:
            report.wrong += [f"{how}: {wrong}" for wrong in self._tally.wrong]
            self._tally.wrong.clear()
        if failed:
            report.failed += failed
            report.note(outcome)
            self._whole(report, how)
        return failed > 0

    def _whole(self, report: Report, when: str) -> None:
        outcome = self._client.ask(report.scene)
        if outcome != "whole":
            report.wrong.append(f"{when}: afterwards {outcome} {self._tally.wrong}")
            self._tally.wrong.clear()
