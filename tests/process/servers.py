"""The servers of these tests: the harness's kinds with our views, and more ways to start them."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from typing import Any

from tests.harness.django_servers import COMMANDS, ENVIRONMENTS, DjangoServer, serving

KINDS = ["runserver", "fastpath", "sync", "gthread", "waitress", "granian"]
GRACEFUL_SECONDS = "2"
ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "tests.process.settings",
    "GUNICORN_CMD_ARGS": f"--no-control-socket --graceful-timeout {GRACEFUL_SECONDS}",
    "GRANIAN_WORKERS_KILL_TIMEOUT": GRACEFUL_SECONDS,
}


def _gunicorn(*options: str) -> Callable[[int], list[str]]:
    return lambda port: ["-m", "gunicorn", "--bind", f"127.0.0.1:{port}", *options]


def _preloaded(worker: str, application: str) -> Callable[[int], list[str]]:
    module = f"tests.process.warmed_{application}:application"
    return _gunicorn("--preload", "--workers", "3", "--worker-class", worker, module)


def _reloading(port: int) -> list[str]:
    return ["-m", "tests.project.manage", "runserver", f"127.0.0.1:{port}"]


COMMANDS.update(
    reloading=_reloading,
    preloaded=_preloaded("sync", "wsgi"),
    preloaded_gthread=_preloaded("gthread", "wsgi"),
    preloaded_asgi=_preloaded("asgi", "asgi"),
    recycling=_gunicorn(
        "--worker-class", "gthread", "--threads", "4", "--workers", "2",
        "--max-requests", "50", "--max-requests-jitter", "20",
        "tests.project.wsgi:application",
    ),
)  # fmt: skip
COMMANDS["reloading-fastpath"] = _reloading
ENVIRONMENTS["reloading-fastpath"] = ENVIRONMENTS["fastpath"]


@contextlib.contextmanager
def running(
    kind: str,
    frontend: str | dict[str, str],
    more: dict[str, Any] | None = None,
    **environment: str,
) -> Iterator[DjangoServer]:
    """A server that waits for its requests two seconds at most once it is told to stop.

    `more` is added to SAMESITE_PROXY.
    """
    given = {**ENVIRONMENT, **environment}
    with serving(kind, {"FRONTEND": frontend, **(more or {})}, **given) as server:
        yield server


def stop(server: DjangoServer, number: signal.Signals) -> int:
    """Ctrl-C goes to every process of a terminal, other signals to the first; the exit code."""
    if number == signal.SIGINT:
        os.killpg(server.process.pid, number)
    else:
        server.signal(number)
    return server.wait()
