"""An OpenSSL of our own, for TLS as a client alone, for wheels that carry it."""

from __future__ import annotations

import os
import shlex
import shutil
import sysconfig
from pathlib import Path

from build_tools.crates import Crate
from build_tools.machine import build_once, compiler, install_hint, refuse

CRATE = Crate(
    "openssl-src",
    "400.0.2",
    "d2093956673b8dbda85c87fa4fb78e70698ce6c5978a2837d1613f661d3bef76",
    "openssl/LICENSE.txt",
)

# What sysconfig.get_platform() begins and ends with, and what OpenSSL calls it.
TARGETS = {
    ("linux", "x86_64"): "linux-x86_64",
    ("linux", "aarch64"): "linux-aarch64",
    ("macosx", "x86_64"): "darwin64-x86_64-cc",
    ("macosx", "arm64"): "darwin64-arm64-cc",
}

# A configuration file, engines and modules of the system's OpenSSL are of another version, and what
# runs at the process's end would run beside threads that are left to it.
OFF = shlex.split(
    "apps argon2 aria async atexit autoload-config bf blake2 camellia cast cmac cmp cms comp ct"
    " demos des dgram docs dsa dso ec2m ech filenames fips gost hmac-drbg-kdf http idea"
    " integrity-only-ciphers kbkdf krb5kdf legacy lms md4 mdc2 ml-dsa module multiblock"
    " nextprotoneg ocb psk pvkkdf rc2 rc4 rfc3779 rmd160 scrypt seed shared siphash siv slh-dsa sm2"
    " sm3 sm4 snmpkdf srp srtp srtpkdf sshkdf sskdf ssl-trace tests tls1 tls1_1 ts ui-console"
    " whirlpool x942kdf x963kdf"
)


class StaticOpenSSL:
    def __init__(self, folder: Path) -> None:
        work = folder / f"openssl-{CRATE.version}"
        self.build = work / "build"
        root = self.build / "root"
        self.include = root / "usr" / "include"
        self.libraries = [root / "usr" / "lib" / name for name in ("libssl.a", "libcrypto.a")]
        steps = [
            self.configure(CRATE.fetch(work / "crate") / "openssl"),
            ["make", f"-j{os.cpu_count() or 1}", "build_libs"],
            ["make", "install_dev", f"DESTDIR={root}"],
        ]
        build_once(self.build, steps, what="OpenSSL")

    @staticmethod
    def configure(source: Path) -> list[str]:
        for program, debian, macos in (("perl", "perl", "perl"), ("make", "make", "make")):
            if not shutil.which(program):
                hint = install_hint(debian, f"brew install {macos}")
                raise refuse(f"a static OpenSSL needs {program}; {hint}")
        parts = sysconfig.get_platform().split("-")
        target = TARGETS.get((parts[0], parts[-1]))
        if target is None:
            raise refuse(f"a static OpenSSL for {sysconfig.get_platform()} has not been tried")
        # Where certificates are is asked of Python; no path of the machine that builds is kept.
        places = ["--prefix=/usr", "--openssldir=/etc/ssl", "--libdir=lib"]
        flags = shlex.split("-O2 -fPIC -fvisibility=hidden -ffunction-sections -fdata-sections")
        off = [f"no-{name}" for name in OFF]
        return ["perl", str(source / "Configure"), target, f"CC={compiler()}",
                *places, *off, *flags]  # fmt: skip
