"""A file that changes while it is sent: what looks whole is whole."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.asgi import servers as asgi_servers
from tests.harness.groups import grouped
from tests.harness.raw_client import Broken, RawClient
from tests.traffic.stage import Stages
from tests.traffic.test_wsgi_application import wrapped

KINDS = (
    *("fastpath", "runserver", "gthread", "sync", "waitress", "granian", wrapped("gthread")),
    *asgi_servers.both("uvicorn"),
    "hypercorn plain",  # daphne breaks no connection (docs/servers.md).
)
# More than sockets hold.
SIZE = 24 * 1024 * 1024
SMALL = b"the other answer"
EMPTIED = b"new"


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("changing")
    (folder / "index.html").write_bytes(b"<!doctype html>")
    (folder / "small.txt").write_bytes(SMALL)
    return folder


@pytest.fixture(params=grouped("changing", KINDS))
def port(request: pytest.FixtureRequest, stages: Stages, dist: Path) -> Iterator[int]:
    settings = {"FRONTEND": str(dist), "DJANGO_PATHS": ["/api"]}
    environment = {"TEST_DEBUG": "0", "TEST_ALLOWED_HOSTS": json.dumps(["localhost"])}
    stage = stages.get(request.param, settings, environment)
    yield stage.port
    assert "Traceback" not in stage.server.log()


def _shrink(file: Path) -> None:
    with file.open("rb+") as opened:
        opened.truncate(SIZE // 2)


def _empty(file: Path) -> None:
    """As a bundler does that writes in place."""
    file.write_bytes(EMPTIED)


def _grow(file: Path) -> None:
    with file.open("ab") as opened:
        opened.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil" * 9)


def _replace(file: Path) -> None:
    other = file.with_suffix(".new")
    other.write_bytes(b"b" * SIZE)
    other.replace(file)


def _remove(file: Path) -> None:
    file.unlink()


CHANGES: dict[str, Callable[[Path], None]] = {
    "shrinks": _shrink,
    "is emptied": _empty,
    "grows": _grow,
    "is replaced": _replace,
    "is removed": _remove,
}


def _asked(client: RawClient, target: str, *lines: str) -> None:
    head = "\r\n".join([f"GET {target} HTTP/1.1", "Host: localhost", *lines])
    client.send(f"{head}\r\n\r\n".encode())


def _received(client: RawClient, length: int) -> bytes:
    """So much, or what is there before the connection ends or is reset."""
    pieces: list[bytes] = []
    with contextlib.suppress(Broken):
        while (left := length - sum(map(len, pieces))) and (piece := client.read_some(left)):
            pieces.append(piece)
    return b"".join(pieces)


@pytest.mark.parametrize("range_", ["", f"Range: bytes=0-{SIZE - 2}"], ids=["whole", "range"])
@pytest.mark.parametrize("change", CHANGES)
def test_body_of_a_file_that_changes_is_whole_or_broken(
    port: int, dist: Path, change: str, range_: str
) -> None:
    file = dist / "large.bin"
    file.write_bytes(b"a" * SIZE)
    with RawClient(port) as client:
        _asked(client, "/large.bin", *([range_] if range_ else []))
        head = client.read_head()
        length = int(head.get("Content-Length") or "")
        assert (head.status, length) == ((206, SIZE - 1) if range_ else (200, SIZE))
        CHANGES[change](file)
        with contextlib.suppress(ConnectionError):
            _asked(client, "/small.txt")  # Whose answer is taken for none of the body.
        body = _received(client, length)
        if change == "is emptied" and len(body) < length:
            body = body.removeprefix(EMPTIED)  # Before the first byte was read.
        assert body.strip(b"a") == b""
        if len(body) < length:
            assert change in ("shrinks", "is emptied", "grows")
            return
        with contextlib.suppress(Broken):
            assert client.read_answer().body == SMALL
