"""What the machine has to build with, and one line where it lacks something."""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

OLDEST_PYTHON = (3, 11)


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


def compiler() -> str:
    return shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")[0]


# What compilers, cmake and OpenSSL's Configure read beside their arguments.
READ = shlex.split("CFLAGS CPPFLAGS LDFLAGS AR RANLIB SDKROOT MACOSX_DEPLOYMENT_TARGET")


def tools() -> str:
    """What a build was made by: another of these makes another of the same steps."""
    path = Path(shutil.which(compiler()) or compiler())
    is_script = path.exists() and path.read_bytes()[:2] == b"#!"
    own = path.read_text() if is_script else ""  # What it adds is not in its version.
    flags = [f"{name}={os.environ[name]}" for name in READ if name in os.environ]
    return "\n".join([output(compiler(), "--version") or "", own, *flags])


def build_once(
    folder: Path, steps: list[list[str]], *, what: str, upon: Sequence[Path] = ()
) -> None:
    """Runs the steps in an empty folder, unless the same have filled it: these steps, by these
    tools, with the folders that it stands `upon` as they were."""
    stamp = folder / "recipe"
    recipe = "\n".join(
        [*map(shlex.join, steps), tools(), *((below / "recipe").read_text() for below in upon)]
    )
    if stamp.exists() and stamp.read_text() == recipe:
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for step in steps:
        done = subprocess.run(step, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            print(done.stdout[-2000:], done.stderr[-2000:], sep="\n")
            raise refuse(f"{step[0]} could not build {what}; what it said is above")
    stamp.write_text(recipe)


def check_machine() -> None:
    """Says in one line what the build would otherwise stumble over in a hundred."""
    if sys.platform == "win32":
        raise refuse("does not run on Windows itself; use it inside WSL2")
    if sys.version_info < OLDEST_PYTHON:
        raise refuse(f"needs Python 3.11 or newer; this is {platform.python_version()}")
    if not shutil.which(compiler()):
        hint = install_hint("gcc libc6-dev", "xcode-select --install")
        raise refuse(f"the C compiler {compiler()} is missing; {hint}")
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        raise refuse(f"Python.h is missing; {install_hint('python3-dev', 'brew install python')}")
