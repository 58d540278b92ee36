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


def _keep_from_forks(handler: Callable[..., object]) -> None:
    """A process that a view forks dies of SIGTERM at once, from its first moment on: Python forgets
    at a fork which signals it has noted and not yet told their handlers."""
    before = threading.local()

    def hold() -> None:
        before.mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    def release() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, before.mask)

    def forget() -> None:
        if signal.getsignal(signal.SIGTERM) is handler:  # And not the project's own.
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        release()

    os.register_at_fork(before=hold, after_in_parent=release, after_in_child=forget)


@contextlib.contextmanager
def answers_first(close: Callable[[], object]) -> Iterator[None]:
    """This process dies of SIGTERM as ever, but behind `close`: every connection would end in
    silence, upon which browsers send even a POST again by themselves.
    """
    if not _is_deadly():
        yield
        return

    def die(*_: object) -> None:
        """Without an exception: a view, and Django's server around it, could catch that."""
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # A second one does not wait.
        try:
            close()
            _engine.stop()
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    _keep_from_forks(die)
    signal.signal(signal.SIGTERM, die)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
