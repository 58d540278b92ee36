"""The table of what it runs with is written by the run: of a cell that has run, and no other."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = Path("docs", "compatibility.md")
OLD = "| `{}` | as it was | | | | | 0:01 | 2020-02-02 |"


def lines_of(page: Path) -> dict[str, str]:
    cells, _, _ = page.read_text().partition("\n## Frontends\n")
    return {line.split("`")[1]: line for line in cells.splitlines() if "| `" in line}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The script, a page with a line a cell, and a machine without any Python."""
    (tmp_path / ".ci").mkdir()
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / ".ci" / "matrix.py", tmp_path / ".ci")
    page = (ROOT / PAGE).read_text()
    (tmp_path / PAGE).write_text(
        re.sub(r"^\| `(.*?)`.*$", lambda m: OLD.format(m[1]), page, flags=re.M)
    )
    missing = tmp_path / ".ci" / "newest-python"
    missing.write_text("#!/bin/sh\nexit 1\n")
    missing.chmod(0o755)
    return tmp_path


def start(tree: Path, *cells: str) -> subprocess.Popen[str]:
    environ = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    command = [sys.executable, ".ci/matrix.py", *cells]
    return subprocess.Popen(command, cwd=tree, env=environ, stdout=subprocess.PIPE, text=True)


def test_table_has_a_line_for_each_cell() -> None:
    said = subprocess.run(
        [sys.executable, ".ci/matrix.py", "--help"], cwd=ROOT, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    cells = " ".join(said.stdout.split()).rpartition(" CELL ")[2].partition(" options:")[0]
    assert list(lines_of(ROOT / PAGE)) == cells.split(", ")


@pytest.mark.parametrize(("recipe", "word"), [("true", "green"), ("false", "**failed**: `make")])
def test_cell_that_has_run_writes_its_line_and_leaves_others(
    tree: Path, recipe: str, word: str
) -> None:
    (tree / "Makefile").write_text(f"cross:\n\t@{recipe}\n")
    before = lines_of(tree / PAGE)
    with start(tree, "3.13t", "cross") as process:
        said, _ = process.communicate(timeout=60)
    assert process.returncode == (recipe != "true")
    assert "matrix: 3.13t: not run: no Python 3.13t" in said
    after = lines_of(tree / PAGE)
    assert word in after.pop("cross")
    assert after == {name: line for name, line in before.items() if name != "cross"}


SUITE = """
import pytest

@pytest.fixture
def broken_before():
    raise OSError

@pytest.fixture
def broken_after():
    yield
    raise OSError

def test_that_passes(): pass
def test_that_fails(): raise AssertionError
def test_whose_fixture_breaks(broken_before): pass
def test_whose_end_breaks(broken_after): pass
def test_that_fails_and_whose_end_breaks(broken_after): raise AssertionError
"""


def test_test_that_fails_in_two_ways_counts_once(tmp_path: Path) -> None:
    (tmp_path / "test_scratch.py").write_text(SUITE)
    pytest_of_its_own = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly"]
    subprocess.run(
        [*pytest_of_its_own, "--junit-xml=report.xml"], cwd=tmp_path, stdout=subprocess.DEVNULL
    )
    counted = runpy.run_path(str(ROOT / ".ci" / "matrix.py"))["counted"]
    said = counted(tmp_path / "report.xml")
    assert said.startswith("**4 of 5 tests failed**: ")
    assert said.count("`test_scratch.test_that_fails_and_whose_end_breaks`") == 1


def test_interrupt_reaches_what_runs_and_is_waited_for(tree: Path) -> None:
    """The suite ends its servers then."""
    program = "trap 'echo ended; exit' INT; echo begun; while :; do sleep 0.1; done"
    (tree / "Makefile").write_text(f'cross:\n\t@sh -c "{program}"\n')
    before = (tree / PAGE).read_text()
    with start(tree, "cross") as process:
        assert process.stdout is not None
        while "begun" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    assert "ended" in said
    assert process.returncode == 130
    assert (tree / PAGE).read_text() == before


def test_python_of_a_version_is_that_or_none() -> None:
    def found(version: str) -> subprocess.CompletedProcess[str]:
        command = [".ci/newest-python", sys.executable, version]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    own = "{}.{}".format(*sys.version_info)
    (python,) = found(own).stdout.split()
    said = subprocess.run([python, "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.startswith(f"Python {own}.")
    assert (found("3.999").returncode, found("3.999").stdout) == (1, "")
