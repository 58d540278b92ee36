"""Builds samesite_proxy._engine, the C extension; everything else stands in pyproject.toml.

For those who work on it:
    SAMESITE_PROXY_POLLER=portable    poll(2) instead of epoll, as on macOS and BSD
    SAMESITE_PROXY_SANITIZE=address,undefined
    SAMESITE_PROXY_WERROR=1           warnings are errors
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

OLDEST_PYTHON = (3, 11)
OLDEST_CURL = (7, 81)
BROKEN_CURLS = ((8, 7), (8, 8))  # paused uploads spin
WARNINGS = shlex.split(
    "-Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes"
    " -Wmissing-prototypes -Wvla -Wundef -Wcast-qual -Wwrite-strings -Wnull-dereference"
)
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def refuse(reason: str) -> SystemExit:
    return SystemExit(f"samesite_proxy: {reason}")


def output(*command: str) -> str | None:
    """What a command prints, or None where there is no such command or it fails."""
    if not shutil.which(command[0]):
        return None
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def install_hint(debian: str, macos: str) -> str:
    if sys.platform == "darwin":
        return f"install it with: {macos}"
    if shutil.which("apt-get"):
        return f"install it with: apt-get install {debian}"
    return f"install your system's package for it (Debian calls it {debian})"


class Curl:
    """How to compile and link with libcurl: Homebrew's, else pkg-config's, else curl-config's."""

    def __init__(self) -> None:
        found = self.homebrew() or self.pkg_config() or self.curl_config()
        if found is None:
            hint = install_hint("libcurl4-openssl-dev", "brew install curl")
            raise refuse(f"libcurl and its headers are missing; {hint}")
        version, self.compile_args, self.link_args = found
        numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
        if numbers < OLDEST_CURL or numbers in BROKEN_CURLS:
            raise refuse(f"needs libcurl 7.81 or newer, but not 8.7 or 8.8; this is {version}")

    @staticmethod
    def homebrew() -> tuple[str, list[str], list[str]] | None:
        prefix = output("brew", "--prefix", "curl") if sys.platform == "darwin" else None
        version = output(f"{prefix}/bin/curl-config", "--version") if prefix else None
        if not version:
            return None
        library = f"{prefix}/lib"
        return version, [f"-I{prefix}/include"], [f"-L{library}", f"-Wl,-rpath,{library}", "-lcurl"]

    @staticmethod
    def pkg_config() -> tuple[str, list[str], list[str]] | None:
        version = output("pkg-config", "--modversion", "libcurl")
        if not version:
            return None
        compile_args = shlex.split(output("pkg-config", "--cflags", "libcurl") or "")
        return version, compile_args, shlex.split(output("pkg-config", "--libs", "libcurl") or "")

    @staticmethod
    def curl_config() -> tuple[str, list[str], list[str]] | None:
        version = output("curl-config", "--version")
        if not version:
            return None
        compile_args = shlex.split(output("curl-config", "--cflags") or "")
        return version, compile_args, shlex.split(output("curl-config", "--libs") or "")


def check_machine() -> None:
    """Says in one line what the build would otherwise stumble over in a hundred."""
    if sys.platform == "win32":
        raise refuse("does not run on Windows itself; use it inside WSL2")
    if sys.version_info < OLDEST_PYTHON:
        raise refuse(f"needs Python 3.11 or newer; this is {platform.python_version()}")
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")[0]
    if not shutil.which(compiler):
        hint = install_hint("gcc libc6-dev", "xcode-select --install")
        raise refuse(f"the C compiler {compiler} is missing; {hint}")
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        raise refuse(f"Python.h is missing; {install_hint('python3-dev', 'brew install python')}")


def poller() -> tuple[str, str]:
    """The engine's platform folder, and the macro that opens just what it needs."""
    if sys.platform.startswith("linux") and os.environ.get("SAMESITE_PROXY_POLLER") != "portable":
        return "linux", "-D_GNU_SOURCE"
    macro = "-D_DARWIN_C_SOURCE" if sys.platform == "darwin" else "-D_POSIX_C_SOURCE=200809L"
    return "portable", macro


def sources(platform_folder: str) -> list[str]:
    folders = ["wire", "engine", f"engine/{platform_folder}", "python"]
    return sorted(str(path) for folder in folders for path in Path("csrc", folder).glob("*.c"))


class Build(build_ext):
    """Looks at the machine only when something is really built (not for a sdist)."""

    def build_extension(self, extension: Extension) -> None:
        check_machine()
        curl = Curl()
        folder, macro = poller()
        extension.sources = sources(folder)
        extension.extra_compile_args = [
            "-std=c11", "-O2", "-fvisibility=hidden", "-pthread", "-Icsrc", macro,
            *WARNINGS, *curl.compile_args,
        ]  # fmt: skip
        extension.extra_link_args = ["-pthread", *curl.link_args]
        if os.environ.get("SAMESITE_PROXY_WERROR"):
            extension.extra_compile_args.append("-Werror")
        if sanitizers := os.environ.get("SAMESITE_PROXY_SANITIZE"):
            flags = [f"-fsanitize={sanitizers}", "-fno-sanitize-recover=all"]
            extension.extra_compile_args += [*flags, "-g", "-fno-omit-frame-pointer"]
            extension.extra_link_args += flags
        super().build_extension(extension)


class Wheel(bdist_wheel):
    """One wheel for every Python from the oldest on, where the stable ABI exists."""

    def finalize_options(self) -> None:
        if not FREE_THREADED:
            self.py_limited_api = "cp311"
        super().finalize_options()


engine = Extension(
    "samesite_proxy._engine",
    sources=[],
    depends=sorted(str(path) for path in Path("csrc").rglob("*.h")),
    define_macros=[] if FREE_THREADED else [("Py_LIMITED_API", "0x030B0000")],
    py_limited_api=not FREE_THREADED,
)

setup(ext_modules=[engine], cmdclass={"build_ext": Build, "bdist_wheel": Wheel})
