"""The end of the process: whoever waits for the engine is woken."""

from __future__ import annotations

import concurrent.futures.thread  # noqa: F401  Its hook at exit waits for threads; ours wakes them.
import functools
import threading

from samesite_proxy import _engine


@functools.cache  # Registered once, whoever asks.
def stop_engine_at_exit() -> None:
    threading._register_atexit(_engine.stop)  # type: ignore[attr-defined]
