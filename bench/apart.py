"""Runs one case in a process of its own, which is ended when it takes too long."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import NoReturn

from bench.load import LoadFailed
from bench.results import Result
from bench.servers import ServerFailed

# To end its servers; whoever has not by then is killed, and its servers are told to end.
GRACE = 20.0


class CaseFailed(Exception):
    """There is no result, and why."""


def stop_on_signal(number: int, frame: FrameType | None) -> NoReturn:
    """Leave by the way that stops the servers."""
    raise SystemExit(128 + number)


def end_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)


def measure(run: Callable[[], Result], to: Connection) -> None:
    """Send the result, or what failed; a fault of the benchmark ends the process with its trace."""
    signal.signal(signal.SIGTERM, stop_on_signal)
    os.setpgrp()  # Ctrl-C reaches the parent alone, which ends this one once.
    threading.Thread(target=end_with_the_parent, daemon=True).start()
    try:
        outcome: Result | str = run()
    except (ServerFailed, LoadFailed, OSError) as error:
        outcome = f"{error}" or repr(error)
    to.send(outcome)


def end(process: BaseProcess) -> None:
    """Let it end its servers, by the way that SIGTERM takes."""
    process.terminate()
    process.join(GRACE)
    if process.exitcode is None:
        process.kill()
        process.join()


def apart(run: Callable[[], Result], seconds: float) -> Result:
    """Return the result, or raise: when that time is over, too."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=measure, args=(run, there))
    process.start()
    there.close()
    try:
        if not here.poll(seconds):
            raise CaseFailed(f"it did not end within {seconds:g} s")
        outcome = here.recv()
        process.join(GRACE)
    except EOFError:
        process.join()
        raise CaseFailed(f"its process ended with {process.exitcode}") from None
    finally:
        end(process)
    if isinstance(outcome, str):
        raise CaseFailed(outcome)
    assert isinstance(outcome, Result)
    return outcome
