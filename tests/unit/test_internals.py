"""What we rely on of others that is no part of their interfaces: one list, each name checked."""

from __future__ import annotations

import ast
import asyncio
import io
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import django.test.utils
import pytest
from asgiref.sync import SyncToAsync, sync_to_async
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from channels.sessions import CookieMiddleware
from django.core.management.commands.runserver import Command
from django.core.servers.basehttp import ServerHandler, WSGIRequestHandler, WSGIServer
from django.http import HttpResponse, request
from django.test import RequestFactory, override_settings
from django.test.utils import setup_test_environment, teardown_test_environment
from django.urls import path, re_path
from django.utils import autoreload
from django.utils.log import log_response
from gunicorn.http.body import Body, ChunkedReader, LengthReader
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.sync import SyncWorker

PACKAGE = Path(__file__).parents[2] / "samesite_proxy"


def read_request(_: socket.socket) -> Any:
    request = RequestFactory().post("/", b"body", content_type="a/b")
    assert request.body == b"body"
    return request


def logged_response(_: socket.socket) -> HttpResponse:
    response = HttpResponse(status=404)
    log_response("", response=response, request=RequestFactory().get("/"))
    return response


def set_up_for_tests(_: socket.socket) -> Any:
    setup_test_environment()
    try:
        return SimpleNamespace(**vars(django.test.utils._TestState))
    finally:
        teardown_test_environment()


def thread_of_a_loop(_: socket.socket) -> Any:
    """What asgiref leaves in the thread of sync code that a loop waits for."""
    kept = asyncio.run(sync_to_async(lambda: dict(vars(SyncToAsync.threadlocal)))())
    return SimpleNamespace(threadlocal=SimpleNamespace(**kept))


def running_runserver(_: socket.socket) -> Command:
    class Silent(Command):
        def run(self, **options: Any) -> None:
            pass

    command = Silent()
    with override_settings(DEBUG=True):
        command.handle(addrport="", use_ipv6=False)
    return command


def handler_of_runserver(sock: socket.socket) -> ServerHandler:
    return ServerHandler(sock.makefile("rb"), io.BytesIO(), io.StringIO(), {})


def chunked_body(sock: socket.socket) -> Any:
    unreader = SocketUnreader(sock)
    return Body(ChunkedReader(SimpleNamespace(unreader=unreader), unreader))


def view(request: Any) -> None:
    """A view's or a consumer's place."""


# Whose, how one is made, given a socket, and what of it, or of what hangs on it, is used.
INTERNALS: dict[str, tuple[Callable[[socket.socket], Any], list[str]]] = {
    "a response that was logged": (logged_response, ["_has_been_logged"]),
    "a request that was read": (read_request, ["_read_started", "_body"]),
    "path()": (lambda _: path("x", view), ["pattern._route", "pattern.match", "callback"]),
    "re_path()": (lambda _: re_path("x", view), ["pattern._regex"]),
    "django.test.utils": (lambda _: django.test.utils, ["_TestState"]),
    "django.test.utils._TestState": (set_up_for_tests, ["saved_data"]),
    "django.http.request": (lambda _: request, ["split_domain_port", "validate_host"]),
    "autoreload": (
        lambda _: autoreload,
        [
            *("trigger_reload", "DJANGO_AUTORELOAD_ENV", "restart_with_reloader"),
            *("get_child_arguments", "iter_all_python_module_files"),
        ],
    ),
    "runserver": (
        running_runserver,
        [
            *("_raw_ipv6", "addr", "port", "protocol", "use_ipv6", "server_cls"),
            *("run", "inner_run", "get_handler", "on_bind"),
        ],
    ),
    "runserver's WSGIServer": (
        lambda _: WSGIServer,
        ["server_bind", "server_activate", "setup_environ", "get_app"],
    ),
    "runserver's WSGIRequestHandler": (
        lambda _: WSGIRequestHandler,
        [
            *("parse_request", "handle_one_request", "handle_expect_100", "send_error"),
            *("get_environ", "get_stderr", "protocol_version", "MessageClass.set_raw"),
        ],
    ),
    "runserver's ServerHandler": (
        handler_of_runserver,
        [
            *("stdin._read.__self__.raw._sock", "stdin._pos", "stdin.limit", "_flush"),
            *("bytes_sent", "status", "headers", "finish_content", "close"),
        ],
    ),
    "asgiref's SyncToAsync": (thread_of_a_loop, ["threadlocal.main_event_loop"]),
    "asyncio": (lambda _: asyncio, ["_get_running_loop"]),
    "threading": (lambda _: threading, ["_register_atexit"]),
    "gunicorn's body with a length": (
        lambda sock: Body(LengthReader(SocketUnreader(sock), 5)),
        [
            *("buf.tell", "reader.length", "reader.read"),
            *("reader.unreader.buf.getvalue", "reader.unreader.sock"),
        ],
    ),
    "gunicorn's body in chunks": (chunked_body, ["reader.parser", "reader.req.unreader.chunk"]),
    "gunicorn's sync worker": (lambda _: SyncWorker, ["handle_abort"]),
    "Channels' router": (lambda _: ProtocolTypeRouter({}), ["application_mapping"]),
    "Channels' routes": (lambda _: URLRouter([path("x", view)]), ["routes"]),
    "Channels' middleware": (lambda _: CookieMiddleware(view), ["inner"]),
    "Channels' validator": (lambda _: AllowedHostsOriginValidator(view), ["application"]),
}

# Of software that only `make neighbours` installs: a test among those looks for it.
WERKZEUGS = ["_rfile", "_len"]


def names_missing(thing: Any, dotted: str) -> Iterator[str]:
    """The first part of a path of attributes that is not there."""
    for name in dotted.split("."):
        if not hasattr(thing, name):
            yield name
            return
        thing = getattr(thing, name)


@pytest.mark.parametrize("whose", INTERNALS)
def test_what_we_rely_on_is_there(whose: str) -> None:
    make, used = INTERNALS[whose]
    with socket.socket() as sock:
        thing = make(sock)
        assert [(dotted, name) for dotted in used for name in names_missing(thing, dotted)] == []


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def trees() -> list[ast.AST]:
    return [ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py")]


def is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def own_names(tree: ast.AST) -> Iterator[str]:
    """Private names that a module of ours defines."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                yield name
            case ast.Name(name, ast.Store()):
                yield name
            case ast.Attribute(value, name, ast.Store()) if is_self(value):
                yield name


def used_names(tree: ast.AST) -> Iterator[str]:
    """Private names that a module of ours reads or sets, be it by getattr() or hasattr()."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(_, name):
                yield name
            case ast.Call(ast.Name("getattr" | "hasattr"), [_, ast.Constant(str(name)), *_]):
                yield name


def test_list_is_complete_and_nothing_on_it_is_unused() -> None:
    dotted = [*WERKZEUGS, *(name for _, used in INTERNALS.values() for name in used)]
    listed = {name for names in dotted for name in names.split(".") if is_private(name)}
    documented = {"_exit"}  # os._exit
    ours = {"_engine", *(name for tree in trees() for name in own_names(tree))}
    used = {name for tree in trees() for name in used_names(tree) if is_private(name)}
    assert used - ours - documented <= listed
    assert listed <= used
