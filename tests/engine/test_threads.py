"""Many threads at the engine, and what Python thinks of it; `make free-threads` has more of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.free_threads.frontend import serve
from tests.harness.scripted_upstream import scripted

ROOT = Path(__file__).parents[2]

# Python turns the GIL on, and says so, for a module that does not declare that it can do without.
GIL = """
import sys
is_on = getattr(sys, "_is_gil_enabled", lambda: True)
before = is_on()
import samesite_proxy._engine
assert is_on() == before
"""


def test_import_leaves_the_gil_as_it_was() -> None:
    command = [sys.executable, "-W", "error", "-c", GIL]
    subprocess.run(command, cwd=ROOT, check=True, timeout=60)


@pytest.mark.parametrize("kind", ["imports", "own", "shared", "pairs"])
def test_threads_do_all_at_once_what_can_be_done_with_the_engine(kind: str) -> None:
    with scripted(serve) as frontend:
        command = [sys.executable, "-m", "tests.free_threads.threads", kind, frontend.url, "1"]
        done = subprocess.run(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=120, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stdout
