"""What formatters, type checkers and static analysers say of the whole project: nothing."""

from __future__ import annotations

import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CSRC = ROOT / "csrc"
BIN = Path(sys.executable).parent

C_FILES = sorted(
    [
        *CSRC.rglob("*.[ch]"),
        *(ROOT / "tests" / "c").glob("*.[ch]"),
        *(ROOT / "bench").glob("*.[ch]"),
    ]
)
LINUX = sorted(path for path in CSRC.rglob("*.c") if path.parent.name != "portable")
PORTABLE = sorted(CSRC.glob("core/portable/*.c"))
LIBCURL_FLAGS = ["pkg-config", "--cflags", "libcurl"]

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="analyses Linux's build")


def run(*command: str | Path) -> None:
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def compiler_flags(macro: str = "-D_GNU_SOURCE") -> list[str]:
    found = subprocess.run(LIBCURL_FLAGS, capture_output=True, text=True, check=False)
    python = ["-isystem", sysconfig.get_path("include")]
    return ["-std=c11", f"-I{CSRC}", macro, *python, *shlex.split(found.stdout)]


def test_c_is_formatted() -> None:
    style = f"--style=file:{CSRC / '.clang-format'}"
    run(BIN / "clang-format", "--dry-run", "-Werror", style, *C_FILES)


def test_python_is_formatted() -> None:
    run(BIN / "ruff", "format", "--check")


def test_ruff_finds_nothing() -> None:
    run(BIN / "ruff", "check")


@pytest.mark.slow
def test_mypy_finds_nothing() -> None:
    run(BIN / "mypy")


@pytest.mark.slow
def test_stub_agrees_with_the_extension() -> None:
    run(BIN / "stubtest", "samesite_proxy._engine", "--mypy-config-file", "pyproject.toml")


@on_linux
@pytest.mark.slow
def test_clang_tidy_finds_nothing() -> None:
    tidy: list[str | Path] = [
        BIN / "clang-tidy",
        "--quiet",
        f"--config-file={CSRC / '.clang-tidy'}",
    ]
    run(*tidy, *LINUX, "--", *compiler_flags())
    run(*tidy, *PORTABLE, "--", *compiler_flags("-D_POSIX_C_SOURCE=200809L"))


def test_cppcheck_finds_nothing() -> None:
    # It does not see Python's headers, and these macros are braces and an end.
    macros = [
        "-DPy_BEGIN_ALLOW_THREADS={",
        "-DPy_END_ALLOW_THREADS=}",
        "-DPy_RETURN_NONE=return Py_None",
    ]
    kinds = ["--enable=warning,style,performance,portability"]
    # The types of callbacks are libcurl's and Python's.
    kinds += ["--suppress=constParameter", "--suppress=constParameterCallback"]
    strict = ["--quiet", "--std=c11", "--error-exitcode=1"]
    run("cppcheck", *strict, *kinds, f"-I{CSRC}", *macros, CSRC)


@on_linux
@pytest.mark.parametrize(
    "source",
    [path for path in LINUX if "python" not in path.relative_to(CSRC).parts],
    ids=lambda path: path.stem,
)
def test_gcc_analyzer_finds_nothing(source: Path, tmp_path: Path) -> None:
    analyzer = ["-O2", "-fanalyzer", "-Werror"]
    run("gcc", *analyzer, *compiler_flags(), "-c", source, "-o", tmp_path / "analyzed.o")
