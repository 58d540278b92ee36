"""What make says while it installs, and what `make test` answers: a failure, or a crash, of any of
its runs is a failure of the whole."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# As many times as `make test` starts pytest.
RUNS = 4

STAMPS = [
    ".venv/test.done",
    "build/newest/smoke.done",
    "build/newest/samesite_proxy/_engine.abi3.so",
    "build/portable/samesite_proxy/_engine.abi3.so",
    "build/sanitized/samesite_proxy/_engine.abi3.so",
]

# Every run has these folders, or all of tests; the smoke test is told so.
FOLDERS = ["engine", "traffic", "live", "fastpath"]

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


def program(path: Path, line: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


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
    for environment in (".venv", "build/newest/venv"):
        program(tmp_path / environment / "bin" / "python", f'exec "{sys.executable}" "$@"')
    for stamp in STAMPS:
        (tmp_path / stamp).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / stamp).touch()
    return tmp_path


def make(tree: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    # This test may be run by make itself, which passes its own flags on.
    environ = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    return subprocess.run(
        ["make", *arguments],
        cwd=tree,
        env={**environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def make_test(tree: Path, trouble: str, at: int) -> tuple[int, int]:
    """make's exit status, and how often the suite was run."""
    (tree / "tests" / "engine" / "test_scratch.py").write_text(SUITE.format(trouble=trouble))
    done = make(tree, "test", "SMOKE=tests/engine", TROUBLE_AT=str(at))
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


@pytest.mark.parametrize("group", ["demo", "test"])
def test_make_says_what_it_does_before_it_does_it(tree: Path, group: str) -> None:
    """What installs is silent; here it says its name, and a line of make's stands before each."""
    shutil.rmtree(tree / ".venv")
    for name in ("python", "pip"):
        program(tree / "bin" / name, f"echo {name} >&2")
    program(tree / "new", 'echo venv >&2; mkdir -p "$3/bin"; cp bin/* "$3/bin"')
    program(tree / ".ci" / "install", "echo system >&2")
    done = make(tree, f".venv/{group}.done", f"PYTHON={tree / 'new'}")
    assert done.returncode == 0, done.stderr
    assert done.stderr.split() == ["system", "venv", "pip", "pip"]
    assert len(done.stdout.splitlines()) == 4
    assert group in done.stdout
