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
RUNS = 5

STAMPS = [
    ".venv/test.done",
    "build/newest/smoke.done",
    "build/newest/samesite_proxy/_engine.abi3.so",
    "build/portable/samesite_proxy/_engine.abi3.so",
    "build/sanitized/samesite_proxy/_engine.abi3.so",
    "build/threads/samesite_proxy/_engine.abi3.so",
]

# Every run has these folders, or all of tests; the smoke test and that for races are told so.
FOLDERS = ["engine", "traffic", "live", "fastpath", "failing_calls"]

# Which the sanitizer of threads reads.
SUPPRESSIONS = "tests/builds/races.supp"

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

NUMBERS = 8
GROUPS = f"""
import os, pytest
from pathlib import Path

@pytest.mark.parametrize("number", range({NUMBERS}))
@pytest.mark.parametrize("group", [pytest.param(g, marks=pytest.mark.xdist_group(g)) for g in "ab"])
def test_of_a_group(group, number):
    with Path("processes").open("a") as file:
        print(group, os.getpid(), file=file)
"""

SEGFAULT = "os.kill(os.getpid(), signal.SIGSEGV)"
FAILURE = "raise AssertionError"

STALE = '{"tests/engine/test_scratch.py::test_that_a_stale_cache_calls_failed": true}'


# As a shell would say it; but a shell does not bear the sanitizer of threads.
EXEC = "import os, sys; os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"


def program(path: Path, line: str, language: str = "/bin/sh") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{language}\n{line}\n")
    path.chmod(0o755)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The Makefile with a suite of its own; everything is built, and Python is this one."""
    for name in ("Makefile", "pyproject.toml", "setup.py"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    for folder in FOLDERS:
        (tmp_path / "tests" / folder).mkdir(parents=True)
    (tmp_path / "tests/builds").mkdir()
    shutil.copy(ROOT / SUPPRESSIONS, tmp_path / SUPPRESSIONS)
    cache = tmp_path / ".pytest_cache" / "v" / "cache" / "lastfailed"
    cache.parent.mkdir(parents=True)
    cache.write_text(STALE)
    for environment in (".venv", "build/newest/venv"):
        program(tmp_path / environment / "bin" / "python", EXEC, sys.executable)
    for stamp in STAMPS:
        (tmp_path / stamp).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / stamp).touch()
    return tmp_path


def make(tree: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    # This test may be run by make itself, which passes its own flags on, and in one of the suite's
    # processes.
    environ = {
        name: value
        for name, value in os.environ.items()
        if "MAKE" not in name and not name.startswith("PYTEST")
    }
    return subprocess.run(
        ["make", *arguments],
        cwd=tree,
        env={**environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def make_test(tree: Path, suite: str, processes: int, at: int = 0) -> int:
    """make's exit status."""
    (tree / "tests" / "engine" / "test_scratch.py").write_text(suite)
    arguments = ["test", "SMOKE=tests/engine", "RACES=tests/engine", f"PROCESSES={processes}"]
    return make(tree, *arguments, TROUBLE_AT=str(at)).returncode


def test_make_test_runs_the_suite_this_often_and_shares_it_by_groups(tree: Path) -> None:
    assert make_test(tree, GROUPS, processes=2) == 0
    told = [line.split() for line in (tree / "processes").read_text().splitlines()]
    assert len(told) == 2 * NUMBERS * RUNS
    for group in "ab":
        assert len({process for name, process in told if name == group}) == RUNS
    assert len({process for _, process in told}) == 2 * RUNS


@pytest.mark.parametrize("at", range(1, RUNS + 1))
@pytest.mark.parametrize(
    ("trouble", "processes"), [(SEGFAULT, 1), (FAILURE, 0)], ids=["segfault", "failure"]
)
def test_trouble_in_any_run_fails_make_test(
    tree: Path, trouble: str, processes: int, at: int
) -> None:
    """Nothing is run again: a second time, all would be well."""
    assert make_test(tree, SUITE.format(trouble=trouble), processes, at) != 0
    assert len((tree / "runs").read_text().split()) == at


@pytest.mark.parametrize("group", ["demo", "test"])
def test_make_says_what_it_does_before_it_does_it(tree: Path, group: str) -> None:
    """What installs is silent; here it says its name, and a line of make's stands before each."""
    shutil.rmtree(tree / ".venv")
    for name in ("python", "pip"):
        program(tree / "bin" / name, f'echo {name} >&2; echo "$@" >>told')
    program(tree / "new", 'echo venv >&2; mkdir -p "$3/bin"; cp bin/* "$3/bin"')
    program(tree / ".ci" / "install", "echo system >&2")
    done = make(tree, f".venv/{group}.done", f"PYTHON={tree / 'new'}")
    assert done.returncode == 0, done.stderr
    assert done.stderr.split() == ["system", "venv", "pip", "pip"]
    assert len(done.stdout.splitlines()) == 4
    assert group in done.stdout
    installations = (tree / "told").read_text().splitlines()[:2]
    pinned = "-c .ci/constraints.txt"
    assert [pinned in line for line in installations] == [group == "test"] * 2


def test_make_takes_the_extensions_name_of_a_python_without_the_stable_abi(tree: Path) -> None:
    said = make(tree, "-n", "test", "EXT_SUFFIX=.cpython-313t.so").stdout
    for kind in ("portable", "sanitized"):
        assert f"/build/{kind}/samesite_proxy/_engine.cpython-313t.so" in said
