"""Libraries that stand before the system's in a process: the C files of this folder."""

from __future__ import annotations

import functools
import os
import subprocess
import tempfile
from pathlib import Path

_folder = tempfile.TemporaryDirectory(prefix="preload-")


@functools.cache
def preloaded(name: str, *more: str, first: bool = False) -> str:
    """LD_PRELOAD for a process with this one, behind a sanitizer's or before it. The first is
    called by the program itself, and not by the sanitizer for it."""
    sources = [Path(__file__).with_name(f"{each}.c") for each in (name, *more)]
    library = f"{_folder.name}/{name}.so"
    flags = ["-std=c11", "-D_GNU_SOURCE", "-O1", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror"]
    subprocess.run(["cc", *flags, *sources, "-o", library, "-ldl"], check=True)
    others = os.environ.get("LD_PRELOAD", "")
    return ":".join(filter(None, [library, others] if first else [others, library]))
