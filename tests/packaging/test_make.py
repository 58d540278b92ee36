"""What `make test` answers: a failure, or a crash, of any of its runs is a failure of the whole."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# As many times as `make test` starts pytest.
RUNS = 3

STAMPS = [
    ".venv/test.done",
    "build/portable/samesite_proxy/_engine.abi3.so",
    "build/sanitized/samesite_proxy/_engine.abi3.so",
]

# Every run has these folders, or all of tests.
FOLDERS = ["engine", "traffic", "live", "door"]

SUITE = """
import os, signal
from pathlib import Path

def test_that_a_stale_cache_calls_failed():
    pass

def test_trouble():
    with Path("runs").open("a") as file:
        file.write("once\\n")
    if len(Path("runs").read_text().split()) == int(os.environ["TROUBLE_AT"]):
        {trouble}
"""

SEGFAULT = "os.kill(os.getpid(), signal.SIGSEGV)"
FAILURE = "raise AssertionError"

STALE = '{"tests/engine/test_scratch.py::test_that_a_stale_cache_calls_failed": true}'


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The Makefile with a suite of its own; everything is built, and Python is this one."""
    for name in ("Makefile", "pyproject.toml", "setup.py"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    for folder in FOLDERS:
        (tmp_path / "tests" / folder).mkdir(parents=True)
    cache = tmp_path / ".pytest_cache" / "v" / "cache" / "lastfailed"
    cache.parent.mkdir(parents=True)
    cache.write_text(STALE)
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    for stamp in STAMPS:
        (tmp_path / stamp).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / stamp).touch()
    return tmp_path


def make_test(tree: Path, trouble: str, at: int) -> tuple[int, int]:
    """make's exit status, and how often the suite was run."""
    (tree / "tests" / "engine" / "test_scratch.py").write_text(SUITE.format(trouble=trouble))
    # This test may be run by make itself, which passes its own flags on.
    environ = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    environ |= {"TROUBLE_AT": str(at)}
    done = subprocess.run(
        ["make", "test"], cwd=tree, env=environ, capture_output=True, timeout=120, check=False
    )
    return done.returncode, len((tree / "runs").read_text().split())


def test_make_test_runs_the_suite_this_often(tree: Path) -> None:
    assert make_test(tree, FAILURE, at=0) == (0, RUNS)


@pytest.mark.parametrize("at", range(1, RUNS + 1))
@pytest.mark.parametrize("trouble", [SEGFAULT, FAILURE], ids=["segfault", "failure"])
def test_trouble_in_any_run_fails_make_test(tree: Path, trouble: str, at: int) -> None:
    """Nothing is run again: a second time, all would be well."""
    status, runs = make_test(tree, trouble, at)
    assert status != 0
    assert runs == at
