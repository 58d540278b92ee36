"""python -m bench.wire [ROUNDS]: what it costs to read heads, and to write them for others."""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

BENCH = Path(__file__).parent
CSRC = BENCH.parent / "csrc"
FLAGS = ["-std=c11", "-O2", "-fPIC", "-D_GNU_SOURCE", f"-I{CSRC}"]


def main() -> None:
    compiler = shlex.split(os.environ.get("CC", "cc"))
    sources = [BENCH / "wire.c", *sorted(CSRC.glob("wire/*.c"))]
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        program = Path(folder) / "wire"
        subprocess.run([*compiler, *FLAGS, *sources, "-o", program], check=True)
        subprocess.run([program, *sys.argv[1:]], check=True)


if __name__ == "__main__":
    main()
