"""Puts another build of the engine in the place of the one beside the package.

With this folder on PYTHONPATH, a Python process and all that it starts import the extension
that SAMESITE_PROXY_ENGINE names: the poll(2) build, or one with sanitizers.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

import rests
import stacks

NAME = "samesite_proxy._engine"


class OtherBuild:
    """Finds the one module, and leaves all others to those who come after."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != NAME:
            return None
        return importlib.util.spec_from_file_location(name, os.environ["SAMESITE_PROXY_ENGINE"])


if "SAMESITE_PROXY_ENGINE" in os.environ:
    sys.meta_path.insert(0, OtherBuild)  # type: ignore[arg-type]

if "libtsan" in os.environ.get("LD_PRELOAD", ""):
    stacks.follow_forks()
if "libasan" in os.environ.get("LD_PRELOAD", ""):
    rests.precede_forks()
