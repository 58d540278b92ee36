"""One frontend for several runservers: who has the lock has started it, and its file says where."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

from samesite_proxy.conf.commands import Command


def _folder() -> Path:
    """This user's own, which lasts no longer than the machine runs."""
    given = os.environ.get("XDG_RUNTIME_DIR")
    if given and os.access(given, os.W_OK):
        folder = Path(given) / "samesite_proxy"
    else:
        folder = Path(tempfile.gettempdir()) / f"samesite_proxy-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise PermissionError(f"{folder} is not this user's own")
    return folder


def _path(folder: Path, prefix: str) -> Path:
    name = hashlib.sha256(f"{os.path.realpath(folder)}\0{prefix}".encode()).hexdigest()[:32]
    return _folder() / f"{name}.lock"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


class Share:
    """The frontend of one folder and prefix, among all of this user's processes."""

    def __init__(self, folder: Path, prefix: str) -> None:
        path = _path(folder, prefix)
        self.mark = path.stem  # of all that is started by who has the lock
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take(self) -> bool:
        """Whether it is this process's to start, from now on until it ends."""
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        self.write("")
        return True

    def write(self, address: str) -> None:
        said = json.dumps({"pid": os.getpid(), "address": address}).encode()
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, said, 0)

    def read(self) -> tuple[int, str]:
        """Whose it is, and where; (0, "") while that is being written, or ends with its owner."""
        with contextlib.suppress(ValueError, KeyError):
            said = json.loads(os.pread(self.descriptor, 4096, 0))
            if _is_alive(said["pid"]):
                return said["pid"], said["address"]
        return 0, ""

    def close(self) -> None:
        os.close(self.descriptor)


def told(commands: Iterable[Command]) -> dict[str, str]:
    """Where the frontends are that some runserver of this user's has started, by their prefixes."""
    found = {}
    for command in commands:
        with (
            contextlib.suppress(OSError),
            contextlib.closing(Share(command.folder, command.prefix)) as share,
        ):
            if not share.take() and (address := share.read()[1]):
                found[command.prefix] = address
    return found
