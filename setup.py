"""Builds samesite_proxy._engine, the C extension; everything else stands in pyproject.toml.

For those who work on it:
    SAMESITE_PROXY_POLLER=portable    poll(2) instead of epoll, as on macOS and BSD
    SAMESITE_PROXY_SANITIZE=address,undefined
    SAMESITE_PROXY_WERROR=1           warnings are errors

For speed:
    SAMESITE_PROXY_STATIC_CURL=1      a libcurl of our own, with nothing that we do not use;
                                      or a folder with curl's source, instead of 1
    SAMESITE_PROXY_STATIC_OPENSSL=1   an OpenSSL of our own in it, as wheels carry it
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import sysconfig
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext

sys.path.insert(0, str(Path(__file__).parent / "csrc"))

from build_tools.curl import Curl, StaticCurl
from build_tools.machine import check_machine, refuse
from build_tools.readme import readme_for_pypi
from build_tools.tags import misfit

WARNINGS = shlex.split(
    "-Wall -Wextra -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes"
    " -Wmissing-prototypes -Wvla -Wundef -Wcast-qual -Wwrite-strings -Wnull-dereference"
)
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


# Each stands on those before it.
C_FOLDERS = ["wire", "core", "upstream", "engine", "door", "python"]


def poller(system: str = sys.platform) -> tuple[str, list[str]]:
    """The engine's folder for a system, and the macro that opens just what it needs."""
    if not system.startswith("linux"):  # A macro of POSIX would hide what is BSD's own.
        return "portable", ["-D_DARWIN_C_SOURCE"] if system == "darwin" else []
    if os.environ.get("SAMESITE_PROXY_POLLER") == "portable":
        return "portable", ["-D_POSIX_C_SOURCE=200809L"]
    return "linux", ["-D_GNU_SOURCE"]


def link_args(system: str = sys.platform) -> list[str]:
    """Of what is linked into the extension nothing is seen from outside but the function that
    Python looks for: another OpenSSL in the process is not this one."""
    if system == "darwin":
        return ["-Wl,-exported_symbol,_PyInit__engine", "-Wl,-dead_strip"]
    return ["-Wl,--version-script=csrc/python/exports.map", "-Wl,--gc-sections"]


def sources(system: str = sys.platform) -> list[str]:
    """The engine's C files for a system; without them an extension would be built all the same,
    with nothing in it."""
    found: list[str] = []
    for folder in [*C_FOLDERS, f"core/{poller(system)[0]}"]:
        files = sorted(str(path) for path in Path("csrc", folder).glob("*.c"))
        if not files:
            raise refuse(f"csrc/{folder} holds no C files; this copy of the source is incomplete")
        found += files
    return found


class Build(build_ext):
    """Looks at the machine only when something is really built (not for a sdist)."""

    def curl(self) -> Curl | StaticCurl:
        curl = os.environ.get("SAMESITE_PROXY_STATIC_CURL")
        openssl = bool(os.environ.get("SAMESITE_PROXY_STATIC_OPENSSL"))
        if curl or openssl:
            return StaticCurl(curl or "1", Path(self.build_temp).resolve(), with_openssl=openssl)
        return Curl()

    def build_extension(self, extension: Extension) -> None:
        check_machine()
        curl = self.curl()
        extension.extra_compile_args = [
            "-std=c11", "-O2", "-fvisibility=hidden", "-pthread", "-Icsrc", *poller()[1],
            # Of others' headers no warnings are wanted.
            "-isystem", sysconfig.get_path("include"), *WARNINGS, *curl.compile_args,
        ]  # fmt: skip
        extension.extra_link_args = ["-pthread", *curl.link_args, *link_args()]
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

    def run(self) -> None:
        file = self.get_finalized_command("build_ext").get_ext_filename("samesite_proxy._engine")
        if reason := misfit(self.get_tag(), file):
            raise refuse(reason)
        # What an earlier build left may be of other settings, or of a module that is gone.
        if not self.skip_build and not self.distribution.have_run.get("build"):
            shutil.rmtree(self.get_finalized_command("build").build_lib, ignore_errors=True)
        super().run()


engine = Extension(
    "samesite_proxy._engine",
    sources=sources(),
    depends=sorted(str(path) for path in Path("csrc").rglob("*.h")),
    define_macros=[] if FREE_THREADED else [("Py_LIMITED_API", "0x030B0000")],
    py_limited_api=not FREE_THREADED,
)

if __name__ == "__main__":
    setup(
        ext_modules=[engine],
        cmdclass={"build_ext": Build, "bdist_wheel": Wheel},
        long_description=readme_for_pypi(Path(__file__).parent),
        long_description_content_type="text/markdown",
    )
