"""The libcurl that the engine is linked with: the machine's, or one of our own."""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import sys
import sysconfig
from pathlib import Path

from build_tools.crates import Crate
from build_tools.machine import build_once, compiler, install_hint, output, refuse
from build_tools.openssl import StaticOpenSSL

OLDEST_CURL = (7, 81)
BROKEN_CURL = (8, 8)  # It keeps no time while it resolves a name.
CRATE = Crate(
    "curl-sys",
    "0.4.91",
    "cd39579123e45bf762716bb893d43886ed1cabe6289455be29a4f1d4e37afb06",
    "curl/COPYING",
)


class Curl:
    """How to compile and link with libcurl: Homebrew's, else pkg-config's, else curl-config's."""

    def __init__(self) -> None:
        found = self.homebrew() or self.pkg_config() or self.curl_config()
        if found is None:
            hint = install_hint("libcurl4-openssl-dev", "brew install curl")
            raise refuse(f"libcurl and its headers are missing; {hint}")
        version, self.compile_args, self.link_args = found
        numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
        if numbers < OLDEST_CURL or numbers == BROKEN_CURL:
            raise refuse(f"needs libcurl 7.81 or newer, but not 8.8; this is {version}")

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


def toolchain() -> dict[str, str]:
    """What cmake is told of a compiler that is not the machine's, or not for it."""
    values = {}
    for tool in ("AR", "RANLIB"):
        if path := os.environ.get(tool):
            values |= {f"CMAKE_{tool}": path, f"CMAKE_C_COMPILER_{tool}": path}
    processor = sysconfig.get_platform().split("-")[-1]
    if processor != platform.machine():
        values |= {"CMAKE_SYSTEM_NAME": platform.system(), "CMAKE_SYSTEM_PROCESSOR": processor}
    return values


class StaticCurl:
    """A libcurl of our own that connects, by TLS too, and does little else; linked whole."""

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

    def __init__(self, wanted: str, folder: Path, *, with_openssl: bool) -> None:
        if not shutil.which("cmake"):
            raise refuse(
                f"a static libcurl needs cmake; {install_hint('cmake', 'brew install cmake')}"
            )
        work = folder / (f"curl-{CRATE.version}" if wanted == "1" else Path(wanted).name)
        given = CRATE.fetch(work / "crate") / "curl" if wanted == "1" else Path(wanted)
        if not (given / "CMakeLists.txt").exists():
            raise refuse(f"{given} does not hold curl's source")
        source, build = work / "source", work / "build"
        if not source.exists():
            shutil.copytree(given, source)
        if not (source / "docs").exists():  # The crate leaves it out, and cmake looks for it.
            (source / "docs").mkdir()
            (source / "docs" / "CMakeLists.txt").touch()
        self.openssl = StaticOpenSSL(folder) if with_openssl else None
        configure = ["cmake", "-S", str(source), "-B", ".", *self.options()]
        make = ["cmake", "--build", ".", "--parallel", str(os.cpu_count() or 1)]
        below = [self.openssl.build] if self.openssl else []
        build_once(build, [configure, make], what="libcurl", upon=below)
        self.compile_args = [f"-I{source / 'include'}", "-DCURL_STATICLIB", "-flto"]
        self.link_args = ["-O2", "-flto", str(build / "lib" / "libcurl.a"), *self.libraries(build)]

    def libraries(self, build: Path) -> list[str]:
        """What libcurl needs beside itself."""
        private = re.search(r"^Libs.private: (.*)$", (build / "libcurl.pc").read_text(), re.M)
        found = shlex.split(private[1]) if private else []
        if self.openssl:  # By path: a folder that is searched before may have another of that name.
            names = {"-lssl", "-lcrypto"}
            found = [*map(str, self.openssl.libraries), *(n for n in found if n not in names)]
        return found

    def options(self) -> list[str]:
        values = {
            **dict.fromkeys(self.OFF, "OFF"),
            **dict.fromkeys(self.ON, "ON"),
            **{f"CURL_DISABLE_{name}": "ON" for name in self.DISABLED},
            **(self.own_openssl() if self.openssl else self.systems_openssl()),
            **toolchain(),
            "CMAKE_BUILD_TYPE": "Release",
            "CMAKE_C_COMPILER": compiler(),
            # All of them, where CURL_HIDDEN_SYMBOLS would show the public ones.
            "CMAKE_C_FLAGS": "-fvisibility=hidden",
            "CMAKE_C_FLAGS_RELEASE": "-O2 -DNDEBUG",
        }
        return [f"-D{name}={value}" for name, value in values.items()]

    @staticmethod
    def systems_openssl() -> dict[str, str]:
        if output(compiler(), "-E", "-include", "openssl/ssl.h", "-x", "c", "/dev/null") is None:
            hint = install_hint("libssl-dev", "brew install openssl")
            print(f"samesite_proxy: no https frontends, without OpenSSL's headers; {hint}")
            return {"CURL_ENABLE_SSL": "OFF"}
        return {"CURL_ENABLE_SSL": "ON"}

    def own_openssl(self) -> dict[str, str]:
        assert self.openssl
        return {
            "CURL_ENABLE_SSL": "ON",
            "CURL_USE_OPENSSL": "ON",
            "CURL_USE_PKGCONFIG": "OFF",
            "OPENSSL_INCLUDE_DIR": str(self.openssl.include),
            "OPENSSL_SSL_LIBRARY": str(self.openssl.libraries[0]),
            "OPENSSL_CRYPTO_LIBRARY": str(self.openssl.libraries[1]),
            # Both are the system's, and the system is another one.
            "CURL_DISABLE_OPENSSL_AUTO_LOAD_CONFIG": "ON",
            "CURL_CA_BUNDLE": "none",
            "CURL_CA_PATH": "none",
            "CURL_CA_FALLBACK": "ON",
        }
