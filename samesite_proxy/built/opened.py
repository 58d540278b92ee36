"""An open file of a built frontend's, known to be the one that was looked at."""

from __future__ import annotations

import os
from dataclasses import replace
from io import FileIO

from samesite_proxy.proxy import errors
from samesite_proxy.proxy.errors import Refused

Signature = tuple[int, int, int, int, int]


def signature_of(found: os.stat_result) -> Signature:
    """What differs wherever a file's bytes do, but for what is written within a clock's tick."""
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


class Replaced(Exception):
    """The file is another one than the one that was looked at."""


def unreadable(error: OSError, path: str) -> Refused:
    """It is there: "no such file" would be a lie."""
    return Refused(replace(errors.FILE_UNREADABLE, detail=f"{error.strerror}: {path}"))


def _is(number: int, signature: Signature) -> bool:
    return signature_of(os.fstat(number)) == signature


def _opened(path: str, signature: Signature) -> int:
    # What is a pipe by now is not waited for.
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        number = os.open(path, flags)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise Replaced from error
    except OSError as error:
        raise unreadable(error, path) from error
    if not _is(number, signature):
        os.close(number)
        raise Replaced
    return number


def read(path: str, signature: Signature, start: int, stop: int) -> bytes:
    """These bytes, of one and the same build."""
    number = _opened(path, signature)
    try:
        text = os.pread(number, stop - start, start)
        is_same = len(text) == stop - start and _is(number, signature)
    except OSError as error:
        raise Replaced from error
    finally:
        os.close(number)
    if not is_same:
        raise Replaced
    return text


class OpenFile(FileIO):
    """Bytes of a file, from here to `stop`. OSError where they are not of one build."""

    def __init__(self, path: str, signature: Signature, start: int, stop: int) -> None:
        super().__init__(_opened(path, signature))
        self.seek(start)
        self._stop = stop
        self._looked_at = signature

    def has_changed(self) -> bool:
        """Whether its bytes have: one that another takes the place of is still what it was."""
        found = os.fstat(self.fileno())
        return (found.st_size, found.st_mtime_ns) != self._looked_at[2:4]

    def read(self, size: int | None = -1, /) -> bytes:
        left = self._stop - self.tell()
        wanted = left if size is None or size < 0 else min(size, left)
        piece = super().read(wanted) or b""
        # The end of what is not whole any more is held back: without it nobody takes it for whole.
        if len(piece) < wanted or (wanted == left and self.has_changed()):
            raise OSError("a file of the frontend's changed while it was sent")
        return piece
