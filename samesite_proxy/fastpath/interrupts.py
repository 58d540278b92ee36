"""Ctrl-C, where Python would lose it or tell a traceback of it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

SIGNALS = {signal.SIGINT}
# Until the callback in which it was lost is over.
SECONDS = 0.02


def _say_again() -> None:
    time.sleep(SECONDS)
    os.kill(os.getpid(), signal.SIGINT)


def keep() -> None:
    """What comes into a callback of a weak reference, of which there are many while a project is
    imported, is told as a traceback and forgotten. It comes again instead.
    """
    tell = sys.unraisablehook

    def hook(unraisable: Any) -> None:
        if unraisable.exc_type is not KeyboardInterrupt:
            tell(unraisable)
            return
        with contextlib.suppress(RuntimeError):  # The interpreter ends anyhow.
            threading.Thread(target=_say_again, daemon=True).start()

    sys.unraisablehook = hook


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
