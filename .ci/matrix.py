#!/usr/bin/env python3
"""Runs the suite in cells: other Pythons, Djangos, libcurls and compilers than this machine's.

    .ci/matrix.py [--pytest="OPTIONS"] [CELL...]      all cells, or those that are named

What a cell needs and what it builds is in build/matrix. One that cannot be had here has not run.
Each that has writes its line of docs/compatibility.md when it has ended; the others keep theirs.
A Debian is made by debootstrap, as root; what is mounted in it ends with the command inside.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "matrix"
PAGE = ROOT / "docs" / "compatibility.md"
MIRROR = "http://deb.debian.org/debian"

# Of a Debian the suite needs these, and a compiler; what it does without is what it starts.
PACKAGES = "libc6-dev make nginx-light openssl pkg-config procps python3-dev python3-venv"
# The tools that look at the source find the same with every Python.
LEFT_OUT = "--ignore=tests/browser --ignore=tests/test_style.py --ignore=tests/test_c.py"
SERVERS = ["gunicorn", "uvicorn", "hypercorn", "daphne", "granian", "waitress", "gevent"]

# Run by a cell's Python: what the engine really works with.
VERSIONS = """
import ctypes, json, platform, re, sys, sysconfig
from importlib.metadata import version
from pathlib import Path

def said(function, *arguments):
    found = getattr(ctypes.CDLL(engine), function)
    found.restype = ctypes.c_char_p
    return found(*arguments).decode()

engine, *names = sys.argv[1:]
known = {name: version(name) for name in names}
try:
    curl = said("curl_version")
except AttributeError:  # It is inside, and says nothing to others.
    (built,) = Path(engine).parents[1].glob("objects/curl-*/build/libcurl.pc")
    number = re.search("^Version: (.*)$", built.read_text(), re.M)[1]
    curl = f"libcurl/{number} OpenSSL/{said('OpenSSL_version', 0).split()[1]}"
tls = re.search(r"(OpenSSL|GnuTLS)/[0-9.]+", curl)
known["libcurl"] = " ".join([curl.split()[0].split("/")[1], *([tls[0]] if tls else [])])
kind = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
known["Python"] = platform.python_version() + kind
print(json.dumps(known))
"""


@dataclass(frozen=True)
class Cell:
    python: str = ""  # A version, of this machine's; else the Debian's own.
    django: str = ""  # A series; else the newest.
    debian: str = ""  # A suite.
    compiler: str = "gcc"
    curl: str = "libcurl4-openssl-dev"
    build: dict[str, str] = field(default_factory=dict)
    is_run: bool = True  # Else the engine is built, and warnings are errors.
    make: str = ""  # A target that is all of the cell.


CELLS = {
    "3.11-5.2": Cell(python="3.11", django="5.2"),
    "3.12-6.0": Cell(python="3.12", django="6.0"),
    "3.13-6.1": Cell(python="3.13", django="6.1"),
    "3.13t": Cell(python="3.13t"),
    "static": Cell(python="3.13", build={"SAMESITE_PROXY_STATIC_CURL": "1"}),
    "debian-13": Cell(debian="trixie"),
    "gnutls": Cell(debian="trixie", curl="libcurl4-gnutls-dev"),
    "debian-sid": Cell(debian="sid"),
    "gcc": Cell(debian="sid", is_run=False),
    "clang": Cell(debian="sid", compiler="clang", is_run=False),
    "races": Cell(make="races"),
    "cross": Cell(make="cross"),
}


class NotHere(Exception):
    """This machine lacks what the cell needs: the cell has not run."""


# The machine's network and files of trust, the suite's ports, and this tree at its own place.
ENTER = """
tree=$1 root=$2; shift 2
for folder in /proc /dev /tmp "$tree"; do
    mkdir -p "$root$folder"
    mount --rbind "$folder" "$root$folder"
done
for file in /etc/resolv.conf /etc/hosts /etc/pip.conf /etc/ssl/certs/ca-certificates.crt; do
    [ -e "$file" ] || continue
    mkdir -p "$root${file%/*}"
    touch "$root$file"
    mount --bind "$file" "$root$file"
done
exec chroot "$root" env -C "$tree" PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
"""
INSIDE = ["unshare", "--mount", "sh", "-euc", ENTER, "sh", str(ROOT)]


class Failed(Exception):
    """A command of the cell's."""

    def __init__(self, command: Sequence[str]) -> None:
        own = command[len(INSIDE) + 1 :] if command[: len(INSIDE)] == INSIDE else command
        said = shlex.join(own)
        super().__init__(said.replace(f"{ROOT}/", "").replace(str(Path.home()), "~"))


def step(words: str) -> None:
    print(f"matrix: {words}", flush=True)


def call(command: Sequence[str], said: IO[bytes] | None = None, **environment: str) -> int:
    """Its status. Ctrl-C is for it first, which ends the servers that it has started, and then for
    us; in a group of its own it hears it once, whoever sent it."""
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=said,
        stderr=said and subprocess.STDOUT,
        process_group=0,
    ) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            os.killpg(process.pid, signal.SIGINT)
            process.wait()
            raise


def run(command: Sequence[str], **environment: str) -> None:
    """What it says is of interest where it fails."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with (BUILD / "said").open("w+b") as said:
        if call(command, said, **environment) != 0:
            said.seek(0)
            print(said.read().decode(errors="replace"))
            raise Failed(command)


def debian(suite: str) -> list[str]:
    """What stands before a command that runs in that Debian, which is made if it is not there."""
    if os.geteuid() != 0 or not shutil.which("debootstrap"):
        raise NotHere("a Debian is made by debootstrap, as root")
    root = BUILD / "debian" / suite
    if not root.exists():
        step(f"debootstrap {suite}")
        half = root.with_suffix(".half")
        shutil.rmtree(half, ignore_errors=True)
        half.parent.mkdir(parents=True, exist_ok=True)
        # ca-certificates writes the file in whose place this machine's will be.
        packages = "--include=ca-certificates,python3"
        run(["debootstrap", "--variant=minbase", packages, suite, str(half), MIRROR])
        half.rename(root)
    return [*INSIDE, str(root)]


def python_of(cell: Cell) -> list[str]:
    """The command that is the cell's Python, with all that its engine is built of."""
    if cell.debian:
        inside = debian(cell.debian)
        apt = [*inside, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq"]
        run([*apt, "-o", "Acquire::Check-Valid-Until=false", "update"])  # A mirror may be behind.
        wanted = [cell.compiler, cell.curl, *PACKAGES.split()]
        run([*apt, "install", "-y", "--no-install-recommends", *wanted])
        return [*inside, "python3"]
    found = subprocess.run(
        [ROOT / ".ci" / "newest-python", "python3", cell.python], stdout=subprocess.PIPE, text=True
    )
    if found.returncode != 0:
        raise NotHere(f"no Python {cell.python} that could build the engine")
    return [found.stdout.strip()]


def engine_of(cell: Cell, folder: Path, python: list[str]) -> Path:
    for old in folder.glob("samesite_proxy/*.so"):
        old.unlink()
    places = ["--build-lib", str(folder), "--build-temp", str(folder / "objects")]
    strict = {} if cell.is_run else {"SAMESITE_PROXY_WERROR": "1"}
    run(
        [*python, "setup.py", "-q", "build_ext", "--force", *places],
        CC=cell.compiler, **cell.build, **strict,
    )  # fmt: skip
    (engine,) = folder.glob("samesite_proxy/*.so")
    return engine


def installed(cell: Cell, folder: Path) -> list[str]:
    """The Python of an environment with the suite's packages, as new as they are today."""
    *before, python = python_of(cell)
    step(f"{python} -m venv, pip install")
    run([*before, python, "-m", "venv", "--clear", str(folder / "venv")])
    own = [*before, str(folder / "venv" / "bin" / "python")]
    install = [*own, "-m", "pip", "install", "-q", "-U"]
    run([*install, "pip", "setuptools"])
    if cell.is_run:
        run([*install, f"Django~={cell.django}.0" if cell.django else "Django", "--group", "smoke"])
    return own


def counted(report: Path) -> str:
    """In words, with the names of the tests that failed."""
    suite = ElementTree.parse(report).getroot().find("testsuite")
    assert suite is not None
    # What fails, and then once more as it is put away, stands there twice.
    tests: dict[str, bool] = {}
    for test in suite.iter("testcase"):
        name = f"`{test.get('classname')}.{test.get('name')}`"
        is_bad = test.find("failure") is not None or test.find("error") is not None
        tests[name] = tests.get(name, False) or is_bad
    failed = [name for name, is_bad in tests.items() if is_bad]
    if not failed:
        return f"green: {len(tests)} tests"
    named = ", ".join(failed[:5]) + (", …" if failed[5:] else "")
    return f"**{len(failed)} of {len(tests)} tests failed**: {named}"


def suite_in(folder: Path, python: list[str], engine: Path, options: str) -> str:
    report = folder / "report.xml"
    report.unlink(missing_ok=True)
    command = [
        *python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *shlex.split(options),
        f"--junit-xml={report}", "-m", "not slow and not browser", *shlex.split(LEFT_OUT),
    ]  # fmt: skip
    # As make's WITH_ENGINE has it.
    status = call(command, PYTHONPATH="tests/builds", SAMESITE_PROXY_ENGINE=str(engine))
    if status not in (0, 1) or not report.exists():
        raise Failed(command)
    return counted(report)


def versions_of(python: list[str], engine: Path, names: list[str]) -> dict[str, str]:
    command = [*python, "-c", VERSIONS, str(engine), *names]
    said = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(said.stdout))


def run_cell(name: str, options: str) -> tuple[str, dict[str, str]]:
    """What came of it, and the versions that it had."""
    cell, folder = CELLS[name], BUILD / name
    if cell.make:
        if call(["make", "-s", cell.make]) != 0:
            raise Failed(["make", cell.make])
        return f"green: `make {cell.make}`", {}
    python = installed(cell, folder)
    step(f"the engine, by {cell.compiler}")
    engine = engine_of(cell, folder, python)
    if not cell.is_run:
        said = subprocess.run(
            [*python[:-1], cell.compiler, "--version"], stdout=subprocess.PIPE, text=True
        )
        (number,) = re.findall(r"\d+\.\d+\.\d+", said.stdout)[:1]
        built = f"green: built by {cell.compiler} {number}, warnings are errors"
        return built, versions_of(python, engine, [])
    versions = versions_of(python, engine, ["Django", *SERVERS])
    step(", ".join(" ".join(pair) for pair in versions.items()))
    return suite_in(folder, python, engine, options), versions


def write_line(name: str, result: str, versions: dict[str, str], seconds: float) -> None:
    """In the place of the cell's line before."""
    servers = ", ".join(f"{server} {versions[server]}" for server in SERVERS if server in versions)
    known = [versions.get(column, "") for column in ("Python", "Django", "libcurl")]
    spent = f"{seconds // 60:.0f}:{seconds % 60:02.0f}"
    columns = [f"`{name}`", result.replace("|", "\\|"), *known, servers, spent]
    line = " | ".join([*columns, f"{datetime.now(UTC):%Y-%m-%d}"])
    text = PAGE.read_text()
    assert f"\n| `{name}` |" in text
    PAGE.write_text(
        re.sub(rf"^\| `{re.escape(name)}` \|.*$", lambda _: f"| {line} |", text, flags=re.M)
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pytest", default="", metavar="OPTIONS")
    parser.add_argument("cells", nargs="*", metavar="CELL", help=", ".join(CELLS))
    asked = parser.parse_args()
    if unknown := set(asked.cells) - set(CELLS):
        parser.error(f"no such cell: {', '.join(unknown)}; there are {', '.join(CELLS)}")
    results: dict[str, str] = {}
    for name in asked.cells or CELLS:
        step(f"{name}, {len(results) + 1} of {len(asked.cells or CELLS)}")
        begin, versions = time.monotonic(), {}
        try:
            results[name], versions = run_cell(name, asked.pytest)
        except Failed as failed:
            results[name] = f"**failed**: `{failed}`"
        except NotHere as reason:
            results[name] = f"not run: {reason}"
            continue
        write_line(name, results[name], versions, time.monotonic() - begin)
    for name, result in results.items():
        step(f"{name}: {result}")
    return any(result.startswith("**") for result in results.values())


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
