"""Builds samesite_proxy._engine, the C extension; everything else stands in pyproject.toml.

For those who work on it:
    SAMESITE_PROXY_POLLER=portable    poll(2) instead of epoll, as on macOS and BSD
    SAMESITE_PROXY_SANITIZE=address,undefined
    SAMESITE_PROXY_WERROR=1           warnings are errors

For speed:
    SAMESITE_PROXY_STATIC_CURL=1      a libcurl of our own, with nothing that we do not use;
                                      or a folder with curl's source, instead of 1
"""

from __future__ import annotations

import json
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
# The crate that has curl's source, and what its archive has to be.
CURL_CRATE = "0.4.91"
CURL_SHA256 = "cd39579123e45bf762716bb893d43886ed1cabe6289455be29a4f1d4e37afb06"
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


class StaticCurl:
    """A libcurl of our own for HTTP/1.1 and TLS alone, built with cmake and linked whole."""

    OFF = shlex.split(
        "BUILD_CURL_EXE BUILD_SHARED_LIBS BUILD_TESTING BUILD_EXAMPLES BUILD_LIBCURL_DOCS"
        " BUILD_MISC_DOCS ENABLE_CURL_MANUAL PICKY_COMPILER CURL_ENABLE_EXPORT_TARGET"
        " CURL_HIDDEN_SYMBOLS CURL_ZLIB CURL_BROTLI CURL_ZSTD CURL_USE_LIBPSL CURL_USE_LIBSSH2"
        " USE_LIBIDN2 USE_NGHTTP2"
    )
    ON = shlex.split(
        "BUILD_STATIC_LIBS CMAKE_POSITION_INDEPENDENT_CODE CURL_LTO ENABLE_THREADED_RESOLVER"
        " HTTP_ONLY"
    )
    DISABLED = shlex.split(
        "ALTSVC AWS BASIC_AUTH BEARER_AUTH BINDLOCAL COOKIES DIGEST_AUTH DOH FORM_API GETOPTIONS"
        " HEADERS_API HSTS HTTP_AUTH IPFS KERBEROS_AUTH LIBCURL_OPTION MIME NEGOTIATE_AUTH NETRC"
        " PARSEDATE PROGRESS_METER PROXY SHA512_256 SHUFFLE_DNS WEBSOCKETS"
    )

    def __init__(self, wanted: str, folder: Path) -> None:
        if not shutil.which("cmake"):
            raise refuse(
                f"a static libcurl needs cmake; {install_hint('cmake', 'brew install cmake')}"
            )
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        given = self.fetched() if wanted == "1" else Path(wanted)
        if not (given / "CMakeLists.txt").exists():
            raise refuse(f"{given} does not hold curl's source")
        work = folder / (CURL_CRATE if wanted == "1" else given.name)
        source, build = work / "source", work / "build"
        if not source.exists():
            shutil.copytree(given, source)
        if not (source / "docs").exists():  # The crate leaves it out, and cmake looks for it.
            (source / "docs").mkdir()
            (source / "docs" / "CMakeLists.txt").touch()
        self.run("-S", str(source), "-B", str(build), *self.options())
        self.run("--build", str(build), "--parallel", str(os.cpu_count() or 1))
        private = re.search(r"^Libs.private: (.*)$", (build / "libcurl.pc").read_text(), re.M)
        libraries = shlex.split(private[1]) if private else []
        self.compile_args = [f"-I{source / 'include'}", "-DCURL_STATICLIB", "-flto"]
        self.link_args = ["-O2", "-flto", str(build / "lib" / "libcurl.a"), *libraries]

    def fetched(self) -> Path:
        """The crate's folder, as cargo unpacks it."""
        if not shutil.which("cargo"):
            hint = install_hint("cargo", "brew install rust")
            raise refuse(f"curl's source is fetched with cargo; {hint}, or name a folder with it")
        crate = self.folder / "crate"
        crate.mkdir(exist_ok=True)
        (crate / "lib.rs").touch()
        (crate / "Cargo.toml").write_text(
            '[package]\nname = "fetch"\nversion = "0.0.0"\n[lib]\npath = "lib.rs"\n[dependencies]\n'
            f'curl-sys = {{ version = "={CURL_CRATE}", default-features = false }}\n'
        )
        # Of what the crate needs elsewhere, nothing is needed here; one platform's is the least.
        platform_filter = "--filter-platform=x86_64-unknown-linux-gnu"
        command = ["cargo", "metadata", "--format-version=1", platform_filter]
        said = output(*command, "--manifest-path", str(crate / "Cargo.toml"))
        if said is None:
            raise refuse(f"cargo cannot fetch the crate curl-sys {CURL_CRATE}")
        # cargo compares what it fetches with the lock.
        if f'checksum = "{CURL_SHA256}"' not in (crate / "Cargo.lock").read_text():
            raise refuse(f"the crate curl-sys {CURL_CRATE} is not the one that was looked at")
        (found,) = (p for p in json.loads(said)["packages"] if p["name"] == "curl-sys")
        return Path(found["manifest_path"]).parent / "curl"

    def options(self) -> list[str]:
        compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")[0]
        has_tls = output(compiler, "-E", "-include", "openssl/ssl.h", "-x", "c", "/dev/null")
        if has_tls is None:
            hint = install_hint("libssl-dev", "brew install openssl")
            print(f"samesite_proxy: no https frontends, without OpenSSL's headers; {hint}")
        values = {
            **dict.fromkeys(self.OFF, "OFF"),
            **dict.fromkeys(self.ON, "ON"),
            **{f"CURL_DISABLE_{name}": "ON" for name in self.DISABLED},
            "CURL_ENABLE_SSL": "OFF" if has_tls is None else "ON",
            "CMAKE_BUILD_TYPE": "Release",
            "CMAKE_C_COMPILER": compiler,
            # All of them, where CURL_HIDDEN_SYMBOLS would show the public ones.
            "CMAKE_C_FLAGS": "-fvisibility=hidden",
            "CMAKE_C_FLAGS_RELEASE": "-O2 -DNDEBUG",
        }
        return [f"-D{name}={value}" for name, value in values.items()]

    @staticmethod
    def run(*arguments: str) -> None:
        done = subprocess.run(["cmake", *arguments], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(done.stdout[-2000:], done.stderr[-2000:], sep="\n")
            raise refuse("cmake could not build libcurl; what it said is above")


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


def sources() -> list[str]:
    """The engine's C files for this platform; without them an extension would be built all the
    same, with nothing in it."""
    found: list[str] = []
    for folder in ("wire", "engine", f"engine/{poller()[0]}", "python"):
        files = sorted(str(path) for path in Path("csrc", folder).glob("*.c"))
        if not files:
            raise refuse(f"csrc/{folder} holds no C files; this copy of the source is incomplete")
        found += files
    return found


class Build(build_ext):
    """Looks at the machine only when something is really built (not for a sdist)."""

    def build_extension(self, extension: Extension) -> None:
        check_machine()
        wanted = os.environ.get("SAMESITE_PROXY_STATIC_CURL")
        curl = StaticCurl(wanted, Path(self.build_temp, "curl")) if wanted else Curl()
        extension.extra_compile_args = [
            "-std=c11", "-O2", "-fvisibility=hidden", "-pthread", "-Icsrc", poller()[1],
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

    def run(self) -> None:
        # What an earlier build left may be of other settings, or of a module that is gone.
        if not self.skip_build:
            shutil.rmtree(self.get_finalized_command("build").build_lib, ignore_errors=True)
        super().run()


engine = Extension(
    "samesite_proxy._engine",
    sources=sources(),
    depends=sorted(str(path) for path in Path("csrc").rglob("*.h")),
    define_macros=[] if FREE_THREADED else [("Py_LIMITED_API", "0x030B0000")],
    py_limited_api=not FREE_THREADED,
)

setup(ext_modules=[engine], cmdclass={"build_ext": Build, "bdist_wheel": Wheel})
