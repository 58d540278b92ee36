"""Go's net/http/httputil.ReverseProxy in front of the upstream, where there is a compiler."""

import os
import shutil
import subprocess
from pathlib import Path

from bench.servers import ServerFailed

HERE = Path(__file__).parent
SOURCE = HERE / "golang_proxy" / "main.go"
PROGRAM = HERE.parent / "build" / "bench" / "golang-proxy"
# Where Go's own archive is unpacked, which is in no PATH by itself.
USUAL = "/usr/local/go/bin"


def compiler() -> str | None:
    return shutil.which("go", path=os.pathsep.join((os.environ["PATH"], USUAL)))


def lacking() -> str | None:
    """Say what is not installed."""
    return None if compiler() else "not measured: there is no Go compiler"


def version() -> str:
    go = compiler()
    if go is None:
        return "-"
    said = subprocess.run([go, "version"], capture_output=True, text=True, check=True).stdout
    return said.split()[2].removeprefix("go")


def build() -> None:
    """Compile it; Go itself sees whether that has been done."""
    command = [compiler() or "go", "build", "-o", str(PROGRAM), str(SOURCE)]
    done = subprocess.run(command, cwd=SOURCE.parent, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ServerFailed(f"go build: {done.stderr.strip()}")


def proxy_command(folder: Path, port: int, upstream: str) -> list[str]:
    """Forward everything to the upstream, given as address:port, with one processor as all have."""
    build()
    return ["env", "GOMAXPROCS=1", str(PROGRAM), str(port), upstream]
