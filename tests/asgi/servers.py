"""How each ASGI server is started, with the test project's ASGI applications."""

from __future__ import annotations

from collections.abc import Callable

from tests.harness.django_servers import COMMANDS

# Modules of tests.project, by the word that a test adds to a server's name.
APPLICATIONS = {
    "front": "asgi",
    "plain": "plain_asgi",
    "channels": "channels_asgi",
    "other": "other_asgi",
}


def _uvicorn(port: int, application: str) -> list[str]:
    return ["-m", "uvicorn", "--host", "127.0.0.1", "--port", str(port), application]


def _daphne(port: int, application: str) -> list[str]:
    return ["-m", "daphne", "-b", "127.0.0.1", "-p", str(port), application]


def _hypercorn(port: int, application: str) -> list[str]:
    return ["-m", "hypercorn", "--bind", f"127.0.0.1:{port}", application]


def _granian(port: int, application: str) -> list[str]:
    return [
        "-m", "granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", str(port),
        application,
    ]  # fmt: skip


def _gunicorn(port: int, application: str) -> list[str]:
    return [
        "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "1", "--log-level", "info",
        "--worker-class", "asgi", application,
    ]  # fmt: skip


SERVERS = {
    "uvicorn": _uvicorn,
    "daphne": _daphne,
    "hypercorn": _hypercorn,
    "granian": _granian,
    "gunicorn": _gunicorn,
}
EVERY = tuple(SERVERS)


def _command(server: Callable[[int, str], list[str]], module: str) -> Callable[[int], list[str]]:
    return lambda port: server(port, f"tests.project.{module}:application")


COMMANDS |= {
    f"{name} {word}": _command(server, module)
    for name, server in SERVERS.items()
    for word, module in APPLICATIONS.items()
}


def _at_root_path(kind: str) -> Callable[[int], list[str]]:
    return lambda port: [*COMMANDS[kind](port), "--root-path=/mounted"]


ROOTED = [f"{name} channels --root-path" for name in ("uvicorn", "daphne", "hypercorn")]
COMMANDS |= {kind: _at_root_path(kind.removesuffix(" --root-path")) for kind in ROOTED}


def _uvicorn_by(library: str) -> Callable[[int], list[str]]:
    return lambda port: [*_uvicorn(port, "tests.project.asgi:application"), "--ws", library]


# uvicorn's own choice among the libraries that frame WebSockets for it is a third one.
COMMANDS |= {f"uvicorn-{name} front": _uvicorn_by(name) for name in ("websockets", "wsproto")}
EVERY_LIBRARY = (*EVERY, "uvicorn-websockets", "uvicorn-wsproto")


def front(*names: str) -> list[str]:
    """Kinds of servers with our application in front of Django's handler."""
    return [f"{name} front" for name in names or EVERY]


def plain(*names: str) -> list[str]:
    """Kinds of servers with the middleware alone."""
    return [f"{name} plain" for name in names or EVERY]


def both(*names: str) -> list[str]:
    return [*front(*names), *plain(*names)]
