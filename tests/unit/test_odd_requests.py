"""Odd requests, read by the engine, h11 and llhttp: who accepts the same one reads the same."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import h11
import httptools
import pytest

from tests.unit.odd_readings import (
    LEFT_BY_HTTPTOOLS,
    ONLY_REFUSED_BY_H11,
    ONLY_REFUSED_BY_LLHTTP,
    REFUSED_BUT_READ_BY_H11,
    REFUSED_BUT_READ_BY_LLHTTP,
    Listed,
)
from tests.unit.odd_requests import ODD_REQUESTS

pytestmark = pytest.mark.xdist_group("odd requests")

ROOT = Path(__file__).parent.parent.parent
CSRC = ROOT / "csrc"

# What comes next on the connection, enough of it that nobody waits for more.
NEXT = b"GET /next HTTP/1.1\r\nHost: next\r\nX: " + b"y" * 70_000 + b"\r\n\r\n"

REFUSED = 1
UNFINISHED = 2

Fields = list[tuple[bytes, bytes]]
Reader = Callable[[bytes], "Reading | None"]


@dataclass
class Reading:
    """What a parser takes a request for; without an end, it waits for more."""

    method: bytes = b""
    target: bytes = b""
    fields: Fields = field(default_factory=list)
    trailers: Fields = field(default_factory=list)
    body: bytes = b""
    end: int | None = None
    left: bool = False  # what follows is not HTTP, it says


def trimmed(fields: Fields) -> Fields:
    """As they come; but h11 gives the one coding that it knows in lower case."""
    trimmed = [(bytes(name), bytes(value).strip(b" \t")) for name, value in fields]
    return [
        (name, value.lower() if name.lower() == b"transfer-encoding" else value)
        for name, value in trimmed
    ]


def read_lines(lines: list[bytes]) -> Fields:
    pairs = [line.split(b":", 1) for line in lines]
    return trimmed([(name, value) for name, value in pairs])


def read_by_engine(reader: Path, request: bytes) -> Reading | None:
    done = subprocess.run([reader], input=request, capture_output=True, timeout=60, check=False)
    if done.returncode == REFUSED:
        return None
    assert done.returncode in (0, UNFINISHED), done.stderr
    if done.returncode == UNFINISHED:
        return Reading()
    method, target, end, count, rest = done.stdout.split(b"\n", 4)
    *lines, rest = rest.split(b"\n", int(count))
    trailers = []
    while not rest.startswith(b"\n"):
        trailer, rest = rest.split(b"\r\n", 1)
        trailers.append(trailer)
    return Reading(method, target, read_lines(lines), read_lines(trailers), rest[1:], int(end))


def read_by_h11(request: bytes) -> Reading | None:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1024 * 1024)
    connection.receive_data(request)
    reading = Reading()
    try:
        while (event := connection.next_event()) is not h11.NEED_DATA:
            if isinstance(event, h11.Request):
                reading.method, reading.target = event.method, event.target
                reading.fields = trimmed(event.headers.raw_items())
            elif isinstance(event, h11.Data):
                reading.body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                reading.trailers = trimmed(event.headers.raw_items())
                reading.end = len(request) - len(connection.trailing_data[0])
                break
    except h11.RemoteProtocolError:
        return None
    return reading


class LlhttpReader:
    """The callbacks of llhttp, gathered up to the first request's end."""

    def __init__(self) -> None:
        self.reading = Reading()
        self.in_trailers = False
        self.complete = False

    def on_url(self, url: bytes) -> None:
        self.reading.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        fields = self.reading.trailers if self.in_trailers else self.reading.fields
        fields += trimmed([(name, value)])

    def on_headers_complete(self) -> None:
        self.in_trailers = True

    def on_body(self, body: bytes) -> None:
        self.reading.body += body

    def on_message_complete(self) -> None:
        self.complete = True


def read_by_llhttp(request: bytes) -> Reading | None:
    reader = LlhttpReader()
    parser = httptools.HttpRequestParser(reader)
    for position in range(len(request)):
        # Byte by byte: it does not say where a request ends.
        try:
            parser.feed_data(request[position : position + 1])
        except httptools.HttpParserUpgrade:
            reader.reading.left = True
        except httptools.HttpParserError:
            return None
        if reader.complete:
            reader.reading.end = position + 1
            break
    reader.reading.method = parser.get_method()
    return reader.reading


@pytest.fixture(scope="module")
def engine_reads(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reading | None]:
    compiler = shutil.which("gcc") or "cc"
    reader = tmp_path_factory.mktemp("reader") / "read_request"
    wire = sorted(CSRC.glob("wire/*.c"))
    program = ROOT / "tests" / "c" / "read_request.c"
    command: list[str | Path] = [
        compiler,
        "-std=c11",
        "-O1",
        f"-I{CSRC}",
        program,
        *wire,
        "-o",
        reader,
    ]
    subprocess.run(command, check=True)
    return {name: read_by_engine(reader, odd + NEXT) for name, odd in ODD_REQUESTS.items()}


def names(listed: Listed) -> list[str]:
    return sorted(name for found in listed.values() for name in found)


def is_read(reading: Reading | None) -> bool:
    return reading is not None and reading.end is not None


def test_engine_decides_each_odd_request(engine_reads: dict[str, Reading | None]) -> None:
    undecided = [name for name, reading in engine_reads.items() if reading == Reading()]
    assert not undecided
    assert len(ODD_REQUESTS) > 300


@pytest.mark.parametrize("read", [read_by_h11, read_by_llhttp])
def test_who_accepts_the_same_request_reads_the_same(
    read: Reader, engine_reads: dict[str, Reading | None]
) -> None:
    left = []
    for name, request in ODD_REQUESTS.items():
        ours, theirs = engine_reads[name], read(request + NEXT)
        if ours is None or theirs is None:
            continue
        assert (theirs.method, theirs.target) == (ours.method, ours.target), name
        assert theirs.fields == ours.fields, name
        assert all(trailer in theirs.trailers for trailer in ours.trailers), name
        if theirs.left and theirs.end != ours.end:
            left.append(name)
        else:
            assert (theirs.body, theirs.end) == (ours.body, ours.end), name
    assert sorted(left) == (LEFT_BY_HTTPTOOLS if read is read_by_llhttp else [])


@pytest.mark.parametrize(
    ("read", "listed"),
    [(read_by_h11, REFUSED_BUT_READ_BY_H11), (read_by_llhttp, REFUSED_BUT_READ_BY_LLHTTP)],
)
def test_what_only_the_engine_refuses_is_listed(
    read: Reader, listed: Listed, engine_reads: dict[str, Reading | None]
) -> None:
    refused = [name for name, reading in engine_reads.items() if reading is None]
    found = [name for name in refused if is_read(read(ODD_REQUESTS[name] + NEXT))]
    assert sorted(found) == names(listed)


@pytest.mark.parametrize(
    ("read", "listed"),
    [(read_by_h11, ONLY_REFUSED_BY_H11), (read_by_llhttp, ONLY_REFUSED_BY_LLHTTP)],
)
def test_what_only_the_others_refuse_is_listed(
    read: Reader, listed: Listed, engine_reads: dict[str, Reading | None]
) -> None:
    accepted = [name for name, reading in engine_reads.items() if reading is not None]
    found = [name for name in accepted if read(ODD_REQUESTS[name] + NEXT) is None]
    assert sorted(found) == names(listed)
