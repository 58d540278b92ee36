"""Processes in whose engine time passes when it is told to: see clock.c."""

from __future__ import annotations

import ctypes
import mmap
import tempfile

from tests.harness.preload import preloaded


class Clock:
    """The engine's clock in the processes that are started with `environment`."""

    def __init__(self) -> None:
        self._file = tempfile.NamedTemporaryFile(prefix="clock-")  # noqa: SIM115
        self._file.truncate(8)
        self._later = mmap.mmap(self._file.fileno(), 8)
        self.environment = {"LD_PRELOAD": preloaded("clock"), "CLOCK": self._file.name}

    def close(self) -> None:
        self._later.close()
        self._file.close()

    def pass_by(self, seconds: float) -> None:
        """So much time is over at once."""
        later = int.from_bytes(self._later[:], "little") + int(seconds * 1000)
        self._later[:] = later.to_bytes(8, "little")


def let_wall_be_ahead(seconds: int) -> None:
    """In such a process: the wall clock says so much more than the one by which one waits."""
    ctypes.CDLL(None).wall_is_ahead(seconds)
