"""A save while memory is short: the process that starts lacks it, or the listener for its table."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from pathlib import Path

from tests.failing_calls.frontend import Frontend
from tests.failing_calls.scenes import Scenes
from tests.failing_calls.sweep import SHORT_FOR, Report, how_of, judge
from tests.failing_calls.visits import Tally
from tests.fastpath.commands import Watched, runserver
from tests.harness.calls import Calls
from tests.harness.scripted_upstream import scripted
from tests.process.processes import DEADLINE

ENDED = "process has ended (exit code"


class SaveSweep:
    """A server of which a file is saved again and again, under traffic."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()

    def __enter__(self) -> SaveSweep:
        self.frontend = Frontend()
        self.calls = Calls(self._folder / "calls")
        upstream = self._stack.enter_context(scripted(self.frontend))
        self._project = Watched(self._folder)
        self.server = self._stack.enter_context(
            runserver(
                "0",
                proxy={"FRONTEND": upstream.url},
                **self.calls.environment(),
                **self._project.environment,
            )
        )
        self.server.await_banner()
        self._tally = Tally()
        self._client = Scenes(self.server.port, self.frontend, self._tally, self.calls, 0)
        self.calls.count()
        return self

    def __exit__(self, *unused: object) -> None:
        self._client.leave()
        self._stack.close()

    def _has_come_to(self) -> int:
        """How many processes have said that they serve, or have ended before."""
        return self.server.log().count("deployment/") + self.server.log().count(ENDED)

    def _save(self) -> None:
        """Until a new process has come to something, under traffic."""
        old, before = set(self.server.children()), self._has_come_to()

        def is_replaced() -> bool:
            self._client.ask("get")
            now = set(self.server.children())
            return bool(now) and not now & old

        self._project.save_until(is_replaced)
        until = time.monotonic() + DEADLINE
        while self._has_come_to() == before and time.monotonic() < until:
            self._client.ask("get")
            time.sleep(0.05)  # Who starts needs the processor, too.

    def _is_there(self) -> bool:
        """Whether the new process lives on: without memory for its routes it does not."""
        until = time.monotonic() + 2 * SHORT_FOR
        while self.server.children() and time.monotonic() < until:
            time.sleep(0.05)  # Between looks, until it should be at work.
        return bool(self.server.children())

    def _short_save(self, nth: int, and_all_after: bool) -> int:
        """How many allocations failed: the new process's, then the listener's for its table."""
        self.calls.fail_nth("memory", nth, and_all_after=and_all_after)
        self._save()
        later = threading.Timer(SHORT_FOR, self.calls.count)
        later.start()
        is_there = self._is_there()
        later.join()
        failed = self.calls.failed["memory"]
        self.calls.count()
        if not is_there:
            self._save()
        return failed

    def run(self, stride: int = 1, seed: int = 0) -> Report:
        """As many as a save needs where next to nothing else is asked for."""
        report = Report("save")
        self._save()
        needed = self.calls.called["memory"]
        for nth in range(1 + seed % stride, needed + 1, stride):
            for and_all_after in (False, True):
                report.failed += self._short_save(nth, and_all_after)
                for scene in ("get", "django", "new host"):
                    outcome = self._client.ask(scene)
                    report.note(outcome)
                    if outcome != "whole":
                        how = how_of("memory", nth, and_all_after)
                        report.wrong.append(f"{how}: {scene} {outcome} afterwards")
        report.wrong += self._tally.wrong
        judge(report, self.frontend, self.server)
        return report
