"""What .ci/install asks a package manager for, in a shell's oldest words: macOS has bash 3.2."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

INSTALL = Path(__file__).parents[2] / ".ci" / "install"
SHELLS = [["sh"], ["bash", "--posix"]]


def commands(folder: Path, **programs: str) -> Path:
    """Programs that stand before the machine's own, each a line of shell."""
    for name, line in programs.items():
        program = folder / name.replace("_", "-")
        program.write_text(f"#!/bin/sh\n{line}\n")
        program.chmod(0o755)
    return folder


def install(shell: list[str], folder: Path, *groups: str) -> tuple[int, list[str], str]:
    """The exit status, what was asked of the package manager, and what was said."""
    path = f"{folder}:{os.environ['PATH']}"
    done = subprocess.run(
        [*shell, str(INSTALL), *groups],
        env={**os.environ, "PATH": path, "ASKED": str(folder / "asked")},
        capture_output=True,
        text=True,
        check=False,
    )
    asked = folder / "asked"
    return done.returncode, asked.read_text().splitlines() if asked.exists() else [], done.stderr


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_homebrew_is_asked_for_what_is_missing(shell: list[str], tmp_path: Path) -> None:
    brew = 'if [ "$1" = list ]; then [ "$2" = python ]; else echo "$*" >>"$ASKED"; fi'
    folder = commands(tmp_path, uname="echo Darwin", brew=brew)
    wanted = ["install curl", "install chromium", "install cppcheck", "install nginx"]
    assert install(shell, folder, "build", "test") == (0, wanted, "")


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_debian_is_asked_once_for_all_that_is_missing(shell: list[str], tmp_path: Path) -> None:
    folder = commands(
        tmp_path,
        uname="echo Linux",
        id="echo 0",
        dpkg_query='[ "$4" != nginx-light ] || echo installed',
        apt_get='echo "$*" >>"$ASKED"',
    )
    status, asked, _ = install(shell, folder, "bench")
    assert status == 0
    assert asked[0] == "update -qq"
    assert asked[1].split()[-4:] == ["caddy", "chromium", "haproxy", "wrk"]
    assert len(asked) == 2


@pytest.mark.parametrize("shell", SHELLS, ids=" ".join)
def test_unknown_group_is_refused(shell: list[str], tmp_path: Path) -> None:
    status, asked, said = install(shell, commands(tmp_path, apt_get="exit 3"), "nonsense")
    assert (status, asked, said) == (1, [], "no such group: nonsense\n")
