"""A program: uploads begin while a signal's exception comes at any moment; argument: an address.

It prints what went wrong but that exception.
"""

from __future__ import annotations

import signal
import sys
import time

from samesite_proxy._engine import Upstream
from samesite_proxy.sync.upload import Upload

SECONDS = 1.5
BETWEEN_SIGNALS = 0.0002


class Interrupted(Exception):
    pass


def interrupt(*_: object) -> None:
    raise Interrupted


def begin_uploads(url: str) -> None:
    upstream = Upstream(url, None, None, True, (5.0, 5.0, 5.0), 4)
    exchange = upstream.request("POST", "/", [("Host", "localhost")], 10)
    deadline = time.monotonic() + SECONDS
    signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, BETWEEN_SIGNALS, BETWEEN_SIGNALS)
    while time.monotonic() < deadline:
        try:
            while time.monotonic() < deadline:
                Upload(exchange, iter([b""]), is_here=False)
        except Interrupted:
            pass


if __name__ == "__main__":
    try:
        begin_uploads(sys.argv[1])
    except RuntimeError as error:
        print(error)
    except Interrupted:
        pass
    finally:
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
