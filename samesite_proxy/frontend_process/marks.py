"""By a variable in their environment a frontend's processes are known, whoever has started them.

Those whose watchers have been killed have lost what would end them. Where Linux is, the process
that has the frontend then finds them, or the next one that starts it.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from samesite_proxy.frontend_process import watcher

VARIABLE = "SAMESITE_PROXY_FRONTEND"


def _bear(mark: str) -> set[int]:
    if sys.platform != "linux":
        return set()
    line = f"{VARIABLE}={mark}".encode()
    found = set()
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):  # Another user's, or gone.
            if line in Path("/proc", entry, "environ").read_bytes().split(b"\0"):
                found.add(int(entry))
    return found


def end_all(mark: str) -> bool:
    """Whatever bears it; whether anything did."""
    if os.environ.get(VARIABLE) == mark:  # So does this process, which one of them has started.
        return False
    were_any = bool(_bear(mark))
    watcher.end_each(lambda: _bear(mark))
    return were_any
