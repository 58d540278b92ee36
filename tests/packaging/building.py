"""What pip makes of a tree, with the suite's Python."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

# What is no part of a checkout, and large.
_LEFT_OUT = (".git", ".venv*", ".*_cache", "__pycache__", "build", "dist", "node_modules", "var")
# What the suite itself has put in its environment.
_OURS = ("PYTHON", "SAMESITE_PROXY", "DJANGO")


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}


def checkout(folder: Path) -> Path:
    """A copy of this tree, in which a build leaves what it leaves."""
    ignored = shutil.ignore_patterns(*_LEFT_OUT, "*.egg-info", "*.so")
    return shutil.copytree(ROOT, folder, ignore=ignored)


def run(
    folder: Path, *arguments: str | Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=folder, env={**clean_environment(), **environment}, capture_output=True,
        text=True, timeout=300, check=False,
    )  # fmt: skip


def build(folder: Path, *arguments: str | Path, **environment: str) -> Path:
    """What a build leaves in the folder `out`."""
    done = run(folder, *arguments, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = (folder / "out").iterdir()
    return built


def wheel_of(tree: Path, **environment: str) -> Path:
    shutil.rmtree(tree / "out", ignore_errors=True)
    quick = ["--no-build-isolation", "--no-deps", "--no-index", "-w", "out"]
    return build(tree, "-m", "pip", "wheel", *quick, ".", **environment)
