#!/usr/bin/env python3
"""Compiles the engine for systems that are not here, and links it, by the compiler in ziglang.

    .ci/cross.py [TARGET...]      warnings are errors; one line a target, 1 where one failed

Flags and files are setup.py's. Python's headers are this Python's, with a pyconfig.h that stands in
for the targets' own, which the limited API hardly looks at; libcurl's are this machine's. What
is linked are stubs of the two, so that nothing else may be missing: a function of the target's libc
that we believe in is there. It is not run.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build" / "cross"
ZIG = [sys.executable, "-m", "ziglang", "cc"]

# By the system that Python calls so.
TARGETS = {
    "x86_64-macos": "darwin",
    "aarch64-macos": "darwin",
    "x86_64-freebsd": "freebsd",
    "aarch64-freebsd": "freebsd",
    "x86_64-openbsd": "openbsd",
    "x86_64-netbsd": "netbsd",
    "x86_64-linux-musl": "linux",
    "aarch64-linux-musl": "linux",
    "x86_64-linux-gnu": "linux",
    "aarch64-linux-gnu": "linux",
}

# Whose objects this machine's nm reads.
READABLE = "x86_64-linux-musl"

# Those that are common to all 64-bit targets.
PYCONFIG = {
    **{
        f"SIZEOF_{name}": 8
        for name in ("LONG", "LONG_LONG", "SIZE_T", "VOID_P", "TIME_T", "DOUBLE")
    },
    **{f"SIZEOF_{name}": 4 for name in ("INT", "WCHAR_T", "PID_T", "FLOAT")},
    **{f"HAVE_{name}_H": 1 for name in ("SYS_TIME", "SYS_STAT", "SYS_SELECT", "UNISTD", "STDINT")},
    **{"SIZEOF_SHORT": 2, "ALIGNOF_LONG": 8, "ALIGNOF_SIZE_T": 8, "HAVE_SSIZE_T": 1},
}


def run(*command: str | Path, stdin: str = "") -> str:
    cache = {f"ZIG_{kind}_CACHE_DIR": str(BUILD / "cache") for kind in ("LOCAL", "GLOBAL")}
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **cache},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{shlex.join(map(str, command))}\n{done.stderr[-4000:]}")
    return done.stdout


def setup_of_ours() -> Any:
    """setup.py as a module: its flags and its lists."""
    os.chdir(ROOT)
    spec = importlib.util.spec_from_file_location("setup_of_ours", ROOT / "setup.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def headers() -> list[str]:
    """Folders with Python's headers and libcurl's, and nothing else of this machine's."""
    python, curl = BUILD / "include" / "python", BUILD / "include" / "curl"
    shutil.rmtree(BUILD / "include", ignore_errors=True)
    shutil.copytree(sysconfig.get_path("include"), python)
    lines = [f"#define {name} {value}\n" for name, value in PYCONFIG.items()]
    (python / "pyconfig.h").write_text("".join(lines))
    flags = shlex.split(run("pkg-config", "--cflags", "libcurl"))
    named = run(
        os.environ.get("CC", "cc"), "-M", "-xc", *flags, "-", stdin="#include <curl/curl.h>"
    )
    found = re.search(r"\S+/curl/curl\.h", named)
    assert found is not None
    shutil.copytree(Path(found[0]).parent, curl / "curl")
    return [f"-isystem{python}", f"-isystem{curl}"]


def stubs_for(objects: list[Path]) -> str:
    """A function for each name of Python's and libcurl's that the objects want."""
    wanted = re.findall(r"\bU ((?:_?Py|curl_)\w+)", run("nm", *objects))
    lines = [f"void {name}(void);\nvoid {name}(void) {{}}\n" for name in sorted(set(wanted))]
    return "".join(lines)


def compiler_of(target: str) -> list[str]:
    return [*ZIG, "-target", target, "-std=c11", "-O2", "-fPIC", "-pthread"]


def objects_of(target: str, ours: Any, include: list[str]) -> list[Path]:
    system = TARGETS[target]
    folder = BUILD / target
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    flags = [
        *("-fvisibility=hidden", "-Icsrc", *ours.poller(system)[1], *ours.WARNINGS, "-Werror"),
        *("-DPy_LIMITED_API=0x030B0000", *include),
    ]

    def compiled(source: str) -> Path:
        made = folder / (source.replace("/", "_") + ".o")
        run(*compiler_of(target), *flags, "-c", source, "-o", made)
        return made

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(compiled, ours.sources(system)))


def link(target: str, ours: Any, objects: list[Path], stubs: str) -> None:
    folder = BUILD / target
    (folder / "stubs.c").write_text(stubs)
    compiler = compiler_of(target)
    library = folder / "libstubs.so"
    run(*compiler, "-shared", folder / "stubs.c", "-o", library)
    # For macOS nothing may be missing anyway, and its linker's words zig's does not know.
    flags = [] if "macos" in target else ["-Wl,-z,defs", *ours.link_args(TARGETS[target])]
    run(*compiler, "-shared", *flags, *objects, library, "-o", folder / "_engine.so")


def main() -> int:
    ours, include = setup_of_ours(), headers()
    stubs = stubs_for(objects_of(READABLE, ours, include))
    failed = 0
    for target in sys.argv[1:] or TARGETS:
        try:
            link(target, ours, objects_of(target, ours, include), stubs)
            print(f"{target}: compiled and linked")
        except RuntimeError as error:
            failed = 1
            print(f"{target}: failed\n{error}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
