"""The files of a project, a save of which starts Django again after it has failed."""

from __future__ import annotations

import os
import sys
import sysconfig
from collections import deque
from collections.abc import Iterator
from types import TracebackType

from django.utils import autoreload

# Beside modules: what settings are read from, and templates.
SUFFIXES = (
    *(".py", ".env", ".json", ".toml", ".yaml", ".yml", ".ini", ".cfg", ".conf"),
    *(".html", ".txt", ".xml"),
)
INSTALLED = ("site-packages", "dist-packages")
NOT_ENTERED = (*INSTALLED, "node_modules", "__pycache__")
# Of a virtual environment.
VENV = "pyvenv.cfg"
# Files and folders that one look counts; those near to the project's modules come first.
MOST_SEEN = 10_000

Times = dict[str, int]


def _is_installed(name: str) -> bool:
    library = sysconfig.get_path("stdlib")
    return name.startswith(library) or any(part in name.split(os.sep) for part in INSTALLED)


def loaded() -> list[str]:
    """What this process is made of, but for what is installed."""
    found = map(str, autoreload.iter_all_python_module_files())
    return [name for name in found if not _is_installed(name)]


def _frames(traceback: TracebackType | None) -> Iterator[str]:
    while traceback is not None:
        yield traceback.tb_frame.f_code.co_filename
        traceback = traceback.tb_next


def named_by(error: BaseException) -> list[str]:
    """What its traceback names, and what could not be compiled or read."""
    names: list[object] = []
    pending: list[BaseException | None] = [error]
    seen: set[int] = set()
    while pending:
        each = pending.pop()
        if each is not None and id(each) not in seen:
            seen.add(id(each))
            names += [*_frames(each.__traceback__), getattr(each, "filename", None)]
            pending += [each.__cause__, each.__context__]
    found = {os.path.abspath(name) for name in names if isinstance(name, str) and name[:1] != "<"}
    return sorted(name for name in found if not _is_installed(name))


def _folders_of(names: list[str]) -> list[str]:
    """Theirs, and those that modules are looked for in."""
    looked_in = [os.path.abspath(folder) for folder in sys.path if not _is_installed(folder)]
    return sorted({*map(os.path.dirname, names), *looked_in})


def _is_entered(entry: os.DirEntry[str]) -> bool:
    return not entry.name.startswith(".") and entry.name not in NOT_ENTERED


def _is_read(entry: os.DirEntry[str]) -> bool:
    return entry.name.endswith(SUFFIXES) or entry.name.startswith(".env")


def _entries_of(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            found = list(entries)
    except OSError:  # It is not there, or not yet.
        return []
    return [] if any(entry.name == VENV for entry in found) else found


def _time_of(name: str) -> Times:
    try:
        return {name: os.stat(name).st_mtime_ns}
    except OSError:  # It is not there.
        return {}


def times(names: list[str]) -> Times:
    """When these files were saved, and those beside them and below."""
    found: Times = {}
    for name in names:
        found |= _time_of(name)
    pending = deque(_folders_of(names))
    entered: set[str] = set()
    count = 0
    while pending and count < MOST_SEEN:
        folder = pending.popleft()
        entries = _entries_of(folder) if folder not in entered else []
        entered.add(folder)
        count += len(entries)
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                pending += [entry.path] if _is_entered(entry) else []
            elif _is_read(entry):
                found |= _time_of(entry.path)
    return found
