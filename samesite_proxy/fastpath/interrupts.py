"""Ctrl-C, where Python would lose it or tell a traceback of it."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

from samesite_proxy import background

SIGNALS = {signal.SIGINT}
# Until the callback in which it was lost is over.
SECONDS = 0.02


class _Lost:
    """Those of this process, which come again."""

    def __init__(self) -> None:
        self._noted: queue.SimpleQueue[None] = queue.SimpleQueue()

    def start(self) -> None:
        with contextlib.suppress(RuntimeError):  # No thread is to be had: they are lost.
            background.Thread(self._say_again).start()

    def note(self) -> None:
        """Wherever Python is: the queue may be used in a handler of a signal."""
        self._noted.put(None)

    def _say_again(self) -> None:
        while True:
            self._noted.get()
            time.sleep(SECONDS)
            os.kill(os.getpid(), signal.SIGINT)


def keep(*, may_handle: bool) -> None:
    """What comes into a callback of a weak reference, of which there are many while a project is
    imported, is told as a traceback and forgotten. It comes again instead. So does what comes while
    anything of this kind is told, from the hook's first instruction on, which a handler alone can
    see. Where `may_handle` is false there is none: some servers set theirs only over Python's own.
    """
    tell = sys.unraisablehook
    lost = _Lost()

    def hook(unraisable: Any) -> None:
        if unraisable.exc_type is KeyboardInterrupt:
            lost.note()
        else:
            tell(unraisable)

    def interrupt(number: int, frame: FrameType | None) -> None:
        while frame is not None:
            if frame.f_code is hook.__code__:
                lost.note()
                return
            frame = frame.f_back
        raise KeyboardInterrupt

    lost.start()
    sys.unraisablehook = hook
    is_main = threading.current_thread() is threading.main_thread()
    is_free = is_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if may_handle and is_free:
        signal.signal(signal.SIGINT, interrupt)


@contextlib.contextmanager
def held_back() -> Iterator[None]:
    """A process that is started within has none until it lets them in: it is killed by the process
    that has started it, which has Ctrl-C too, and its imports tell nothing of it.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def let_in() -> Iterator[None]:
    """One that has come meanwhile, too. One that comes while another's end closes what is open ends
    the closing, and then there is nothing left that it could end.
    """
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        yield
    except KeyboardInterrupt:  # As Django's own runserver ends, once it serves.
        sys.exit(0)
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
