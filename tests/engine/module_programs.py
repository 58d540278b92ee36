"""Whole processes with several module objects of the engine: see programs.py for how they speak."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from samesite_proxy import _engine
from samesite_proxy._engine import EngineError
from tests.engine.programs import ask_for, outcome, run_in_child, say, start, upstream_at

NAME = "samesite_proxy._engine"
FILE = str(_engine.__file__)


def loaded(path: str | Path) -> Any:
    spec = importlib.util.spec_from_file_location(NAME, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def imported_again() -> Any:
    del sys.modules[NAME]
    return importlib.import_module(NAME)


def reloaded() -> Any:
    return importlib.reload(sys.modules[NAME])


def executed_again() -> Any:
    return loaded(FILE)


def copied() -> Any:
    """Another file, so that the process has its variables twice."""
    with tempfile.TemporaryDirectory() as folder:
        return loaded(shutil.copy(FILE, Path(folder, "_engine.abi3.so")))


def ask_both(url: str, other: Any) -> None:
    ask_for(upstream_at(url), "first")
    at = other.Upstream(url + "/", None, None, True, (10, 20, 20), 256)
    ask_for(at, "other")


def again(url: str, how: str) -> None:
    """Children, and theirs, of a process that has the module twice; and what stop() means there."""
    signal.alarm(20)  # A fork that hangs cannot be interrupted.
    others = [globals()[how]() for _ in range(2)]
    say(run_in_child(lambda: None))
    other = others[-1]
    ask_both(url, other)

    def child() -> None:
        ask_both(url, other)
        assert run_in_child(lambda: ask_both(url, other))

    say(run_in_child(child))
    ask_both(url, other)
    if other is not _engine:
        try:
            upstream_at(url).request("GET", "/", [], -2, -1, other.Notifier())
        except TypeError as error:
            say(error)
    other.stop()
    say(outcome(lambda: start(upstream_at(url))))


def subinterpreters() -> ModuleType:
    for name in ("_interpreters", "_xxsubinterpreters"):
        if importlib.util.find_spec(name) is not None:
            return importlib.import_module(name)
    raise SystemExit("this Python has none")


IMPORTS = """
import importlib, os, sys
sys.path[:] = {path!r}
for name in {modules!r}:
    try:
        importlib.import_module(name)
    except ImportError as error:
        os.write(1, f"{{error}}\\n".encode())
"""
MODULES = [NAME, "samesite_proxy.middleware", "samesite_proxy.wsgi", "samesite_proxy.asgi"]


def refused_in_subinterpreters(url: str) -> None:
    """Whatever asks for the engine there, before and after the main interpreter has one at work."""
    signal.alarm(20)
    interpreters: Any = subinterpreters()
    modern = interpreters.__name__ == "_interpreters"
    at = upstream_at(url)
    for modules in (MODULES, [NAME]):
        made = interpreters.create("legacy") if modern else interpreters.create(isolated=False)
        interpreters.run_string(made, IMPORTS.format(path=sys.path, modules=modules))
        interpreters.destroy(made)
        ask_for(at, "main")
        say(run_in_child(lambda: ask_for(at, "child")))


def refusal_of(call: Callable[[], object]) -> str:
    try:
        return str(call())
    except (EngineError, RuntimeError) as error:
        return getattr(error, "code", str(error))


def parents_objects(url: str) -> None:
    """A child that goes on with its parent's Notifier and Listener, whose descriptors' numbers are
    other files' there.
    """
    notifier, at = _engine.Notifier(), upstream_at(url)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listener = _engine.Listener([listening.fileno()], 4, -1)
    numbers = {notifier.fileno(), listener.fileno()}
    at.request("GET", "/", [], -2, -1, notifier)

    def child() -> None:
        taken = os.eventfd(5)
        for number in numbers - {taken}:
            os.dup2(taken, number)
        say(notifier.fileno(), notifier.answer())
        notifier.begin()
        say(refusal_of(lambda: at.request("GET", "/", [], -2, -1, notifier)))
        for call in (listener.fileno, listener.records, listener.close):
            say(refusal_of(call))
        say(refusal_of(lambda: listener.log_everything(True)))
        say(os.eventfd_read(taken))
        ask_for(at, "child")

    say(run_in_child(child))


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
