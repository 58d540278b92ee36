"""manage.py at a terminal of its own."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import subprocess
import sys
from types import TracebackType

from tests.harness.django_servers import DEADLINE, ROOT


class Terminal:
    """A session whose controlling terminal is ours to type at; what it shows is kept."""

    def __init__(self, arguments: list[str], environment: dict[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        inherited = {name: text for name, text in os.environ.items() if name != "NO_COLOR"}
        name = os.ttyname(theirs)
        python = [sys.executable, "-m", "tests.project.manage", *arguments]
        # It becomes the one of the session whose leader opens it.
        opening = f'exec "$@" <{name} >{name} 2>&1'
        self.process = subprocess.Popen(
            ["sh", "-c", opening, "sh", *python],
            cwd=ROOT,
            env={**inherited, **environment},
            start_new_session=True,
        )
        self._theirs = theirs  # What is shown is kept as long as somebody has it open.
        self.shown = ""
        self._seen = 0

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(DEADLINE)
        os.close(self._ours)
        os.close(self._theirs)

    def await_words(self, words: str) -> None:
        """Behind those that were awaited before."""
        while words not in self.shown[self._seen :]:
            ready, _, _ = select.select([self._ours], [], [], DEADLINE)
            assert ready, self.shown
            self.shown += os.read(self._ours, 65536).decode(errors="replace")
        self._seen = self.shown.index(words, self._seen) + len(words)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())
