"""SIGTERM without the autoreloader, which would heed it."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator

from samesite_proxy import _engine


def _is_deadly() -> bool:
    """Whether nobody heeds it; only the main thread may begin to."""
    is_main = threading.current_thread() is threading.main_thread()
    return is_main and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


@contextlib.contextmanager
def answers_first(close: Callable[[], object]) -> Iterator[None]:
    """This process dies of SIGTERM as ever, but behind `close`: every connection would end in
    silence, upon which browsers send even a POST again by themselves.
    """
    if not _is_deadly():
        yield
        return
    own = os.getpid()

    def die(*_: object) -> None:
        """Without an exception: a view, and Django's server around it, could catch that."""
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # A second one does not wait.
        try:
            if os.getpid() == own:  # And not a process that a view has forked.
                close()
                _engine.stop()
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGTERM, die)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
