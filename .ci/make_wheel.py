"""Builds the wheel for Linux: every Python from 3.11 on, glibc 2.17 or newer, nothing needed.

    make_wheel.py x86_64      or aarch64, whatever the machine is

zig is the compiler, which brings the headers of an old glibc for either processor. What comes out
in dist/ has been looked at by auditwheel, abi3audit and twine.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

import ziglang
from elftools.elf.elffile import ELFFile

ROOT = Path(__file__).parent.parent
BUILD = ROOT / "build" / "wheel"
OLDEST_PYTHON = (3, 11)
GLIBC = "2.17"
LICENSES = ("LICENSE", "csrc/licenses/curl", "csrc/licenses/openssl")
ENGINE = "samesite_proxy/_engine.abi3.so"


def run(*command: str | Path, **environment: str) -> str:
    """With this virtual environment's programs found first."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    print("$", shlex.join(map(str, command)), flush=True)
    environ = {**os.environ, "PATH": path, **environment}
    done = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(f"{(done.stdout + done.stderr)[-4000:]}\nmake_wheel: {command[0]} failed")
    return done.stdout + done.stderr


def headers_of_debian(folder: Path, machine: str) -> Path:
    """Debian's pyconfig.h includes that of the processor, from a folder of the processor's name."""
    version = f"python{sysconfig.get_python_version()}"
    here = Path("/usr/include", sysconfig.get_config_var("MULTIARCH") or "", version)
    if here.exists():
        (folder / f"{machine}-linux-gnu").mkdir(parents=True)
        (folder / f"{machine}-linux-gnu" / version).symlink_to(here)
    return folder


def make_tools(machine: str) -> dict[str, str]:
    """zig as a compiler for that processor, by the names that builds look for."""
    folder = BUILD / machine / "tools"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    include = headers_of_debian(folder / "include", machine)
    zig = Path(ziglang.__file__).parent / "zig"
    target = ["-target", f"{machine}-linux-gnu.{GLIBC}", f"-I{include}"]
    for name, command in (("cc", ["cc", *target]), ("ar", ["ar"]), ("ranlib", ["ranlib"])):
        line = shlex.join([str(zig), *command])
        (folder / name).write_text(f'#!/bin/sh\nexec {line} "$@"\n')
        (folder / name).chmod(0o755)
    return {
        "CC": str(folder / "cc"),
        "AR": str(folder / "ar"),
        "RANLIB": str(folder / "ranlib"),
        "LDSHARED": f"{folder / 'cc'} -shared -s",
        "LDFLAGS": "",
        "ZIG_GLOBAL_CACHE_DIR": str(BUILD / "zig-cache"),
        "SAMESITE_PROXY_STATIC_OPENSSL": "1",
        "SAMESITE_PROXY_WERROR": "1",
        "_PYTHON_HOST_PLATFORM": f"linux-{machine}",
    }


def build(machine: str) -> Path:
    raw, done = BUILD / machine / "raw", ROOT / "dist"
    for folder in (raw, *(BUILD / machine / "base").glob("lib*")):
        shutil.rmtree(folder, ignore_errors=True)
    for old in done.glob(f"*{machine}.whl"):
        old.unlink()
    # Objects of its own: another build's are of another compiler.
    base = ["setup.py", "-q", "build", "--build-base", BUILD / machine / "base"]
    run(sys.executable, *base, "bdist_wheel", "--dist-dir", raw, **make_tools(machine))
    (wheel,) = raw.iterdir()
    # Nothing is left to be taken in. By name it knows the tags of its own processor alone.
    run("auditwheel", "repair", "--plat", "auto", "--only-plat", "-w", done, wheel)
    (wheel,) = done.glob(f"*-cp311-abi3-*{machine}.whl")
    tag = f"manylinux_2_{GLIBC.split('.')[1]}_{machine}"
    if tag not in wheel.name:
        raise SystemExit(f"make_wheel: {wheel.name} needs more than {tag}")
    return wheel


def exported(library: Path) -> list[str]:
    with library.open("rb") as file:
        symbols = ELFFile(file).get_section_by_name(".dynsym").iter_symbols()
        return [
            symbol.name for symbol in symbols if symbol["st_shndx"] != "SHN_UNDEF" and symbol.name
        ]


def check(wheel: Path) -> None:
    print(run("auditwheel", "show", wheel))
    print(run("abi3audit", "--strict", "--report", wheel))
    print(run("twine", "check", "--strict", wheel))
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = {name.split("/")[0] for name in names if ".dist-info/" in name}
        modules = (str(path.relative_to(ROOT)) for path in (ROOT / "samesite_proxy").rglob("*.py"))
        for name in (*modules, *(f"{metadata}/licenses/{name}" for name in LICENSES)):
            if name not in names:
                raise SystemExit(f"make_wheel: no {name} in {wheel.name}")
        engine = Path(archive.extract(ENGINE, folder))
        if (found := exported(engine)) != ["PyInit__engine"]:
            raise SystemExit(f"make_wheel: the engine exports {found}")
        if str(Path.home()).encode() in engine.read_bytes():
            raise SystemExit("make_wheel: the engine names a folder of this machine")


def main() -> None:
    if sys.version_info[:2] != OLDEST_PYTHON:
        oldest = ".".join(map(str, OLDEST_PYTHON))
        raise SystemExit(
            f"make_wheel: built by the oldest Python; say make wheel PYTHON=python{oldest}"
        )
    (machine,) = sys.argv[1:]
    wheel = build(machine)
    check(wheel)
    print(f"{wheel.relative_to(ROOT)}: {wheel.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
