"""Ctrl-C that comes where Python forgets it."""

from __future__ import annotations

import subprocess
import sys

import pytest

# What is told as an exception that is ignored, and when.
PROGRAM = """
import signal, sys, time

def press(*_):
    signal.raise_signal(signal.SIGINT)

class Interrupted:
    __del__ = press

class Fails:
    def __del__(self):
        raise ValueError

sys.unraisablehook = press
from samesite_proxy.fastpath import interrupts
interrupts.keep(may_handle=True)
{made}()
try:
    time.sleep(30)
except KeyboardInterrupt:
    print("come again")
"""


@pytest.mark.parametrize("made", ["Interrupted", "Fails"])
def test_interrupt_of_what_is_ignored_and_of_its_telling_comes_again(made: str) -> None:
    program = [sys.executable, "-c", PROGRAM.format(made=made)]
    run = subprocess.run(program, capture_output=True, text=True, timeout=30)
    assert (run.stdout, run.stderr, run.returncode) == ("come again\n", "", 0)
