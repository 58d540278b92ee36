"""Threads beside those that answer requests."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

# Of what fails in the code that runs: whoever tells of that must hear it in that thread.
FAULTS = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT}


class Thread(threading.Thread):
    """One that no signal goes to. Python handles them in the main thread alone, and does not wake
    it for one that the kernel has brought to another. A program that this one starts is deaf
    likewise, until it says otherwise.
    """

    def __init__(self, target: Callable[..., object], *arguments: object) -> None:
        super().__init__(target=target, args=arguments, name="samesite_proxy", daemon=True)

    def start(self) -> None:
        deaf = signal.valid_signals() - FAULTS
        before = signal.pthread_sigmask(signal.SIG_BLOCK, deaf)  # As the thread is to inherit it.
        try:
            super().start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
