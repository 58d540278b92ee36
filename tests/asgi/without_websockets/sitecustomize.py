"""With this folder on PYTHONPATH, the library `websockets` is not installed."""

from __future__ import annotations

import sys


class Hidden:
    """A finder that finds, in place of the library, that it is not there."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] == "websockets":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Hidden)
