"""What a frontend prints, line by line and under its name."""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import select
from collections.abc import Callable

PIECE = LONGEST_LINE = 65536
# A line that is not ended is shown all the same: it may be a question.
PATIENCE = 0.3
# What a terminal is told besides colours: it would clear the screen, which is Django's too, or the
# name before the line, as yarn's does, or rename the window (ECMA-48, 5 and 8.3; ECMA-35, 13).
_CONTROLS = re.compile(
    r"(?!\x1b\[[0-9;:]*m)"
    r"(?:(?:\x1b[]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f])"
)


class Output:
    """Read from a pipe until its last writer has closed it."""

    def __init__(self, pipe: int, take: Callable[[str], None]) -> None:
        self._pipe = pipe
        self._take = take
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def read(self) -> None:
        while True:
            if self._rest and not select.select([self._pipe], [], [], PATIENCE)[0]:
                self._flush()
            with contextlib.suppress(InterruptedError):
                piece = os.read(self._pipe, PIECE)
                self._feed(self._decoder.decode(piece, final=not piece))
                if not piece:
                    break
        self._flush()

    def _feed(self, text: str) -> None:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._show(line)
        if len(self._rest) > LONGEST_LINE:
            self._flush()

    def _flush(self) -> None:
        rest, self._rest = self._rest, ""
        if rest:
            self._show(rest)

    def _show(self, line: str) -> None:
        """Of a line that was written over itself, what would be seen at last."""
        self._take(_CONTROLS.sub("", line.rstrip("\r").rpartition("\r")[2]))
