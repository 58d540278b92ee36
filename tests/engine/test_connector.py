"""What connects to upstreams, without the engine around it: tests/c/connect.c beside servers."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shlex
import socket
import ssl
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.connect_programs import full_backlog
from tests.engine.exchanges import stay
from tests.engine.test_addresses import listening_at
from tests.engine.test_tls import cut_off
from tests.harness.ports import free_port
from tests.harness.scripted_upstream import Connection, Script, scripted
from tests.harness.tls import Certificate, make_certificate, over_tls
from tests.test_c import CSRC, OWN_POLLER, ROOT, SANITIZERS, WARNINGS, run

Play = Callable[..., str]

each_kind = pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])


def output(*command: str) -> list[str]:
    return shlex.split(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as it is tested: with sanitizers, and the machine's libcurl, or another one's flags."""
    folder, macro = OWN_POLLER
    target = tmp_path_factory.mktemp("connector") / "connect"
    sources = sorted(set(CSRC.glob("upstream/*.c")) - {CSRC / "upstream" / "pool.c"})
    sources += [*CSRC.glob("core/*.c"), *CSRC.glob(f"core/{folder}/*.c")]
    sources += [CSRC / "wire" / f"{part}.c" for part in ("buffer", "span")]
    flags = [*WARNINGS, "-g", "-O1", macro, *shlex.split(SANITIZERS), f"-I{CSRC}"]
    curl = output("curl-config", "--cflags"), output("curl-config", "--libs")
    sources += [ROOT / "tests" / "c" / name for name in ("connect.c", "connect_loop.c")]
    run("gcc", *flags, *curl[0], *sources, "-pthread", *curl[1], "-o", target)
    return target


@pytest.fixture
def play(program: Path) -> Play:
    def played(scenario: str, url: str, number: int = 0, **environment: str) -> str:
        names = {f"SP_{name.upper()}": value for name, value in environment.items()}
        done = subprocess.run(
            [program, scenario, url, str(number)],
            env={**os.environ, **names},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout.rstrip("\n")

    return played


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"), "localhost")


def greeting(connection: Connection) -> None:
    connection.receive_until(b"hello\n")
    connection.send(b"well met")


def no_tls(connection: Connection) -> None:
    connection.receive()
    connection.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def echo(connection: Connection) -> None:
    while piece := connection.receive():
        connection.send(piece)


@contextlib.contextmanager
def serving(script: Script, certificate: Certificate | None) -> Iterator[str]:
    """The URL of a server, with TLS if there is a certificate."""
    inner = over_tls(certificate.context, script) if certificate else script
    with scripted(inner) as upstream:
        yield f"{'https' if certificate else 'http'}://localhost:{upstream.port}/"


def stand_still(sock: socket.socket) -> None:
    """Until no more comes because nothing is read."""
    before, now = -1, 0
    while now == 0 or now != before:
        time.sleep(0.2)
        before, now = now, unread(sock)


def unread(sock: socket.socket) -> int:
    return int(struct.unpack("i", fcntl.ioctl(sock, termios.FIONREAD, bytes(4)))[0])


def test_plain_connection_is_handed_over(play: Play) -> None:
    with serving(greeting, None) as url:
        assert play("ask", url) == "well met, end"


def test_tls_connection_carries_both_ways_and_hears_the_goodbye(
    play: Play, certificate: Certificate
) -> None:
    with serving(greeting, certificate) as url:
        assert play("ask", url, ca_file=certificate.path) == "well met, end, goodbye"


def test_unix_socket_is_connected_to(play: Play, tmp_path: Path) -> None:
    path = str(tmp_path / "upstream.sock")
    with listening_at(Path(path), greeting):
        assert play("ask", "http://localhost/", unix_socket=path) == "well met, end"


@each_kind
def test_what_is_said_before_we_speak_is_kept(
    play: Play, certificate: Certificate, *, tls: bool
) -> None:
    def eager(connection: Connection) -> None:
        connection.send(b"at once, ")
        greeting(connection)

    with serving(eager, certificate if tls else None) as url:
        told = play("ask", url, ca_file=certificate.path)
        assert told.startswith("at once, well met, end")


@each_kind
def test_connection_that_nobody_has_spoken_on_is_not_thrown_away(
    play: Play, certificate: Certificate, *, tls: bool
) -> None:
    """libcurl closes what it takes for idle since two minutes when it makes another one."""

    def brief(connection: Connection) -> None:
        connection.send(b"at once")

    with serving(brief, certificate if tls else None) as url:
        assert play("neglect", url, ca_file=certificate.path) == "at once, end"


@each_kind
def test_many_connections_at_once(play: Play, certificate: Certificate, *, tls: bool) -> None:
    with serving(echo, certificate if tls else None) as url:
        told = play("crowd", url, 100, ca_file=certificate.path)
        assert told == "100 spoken with, quiet when idle"


def test_upstream_that_does_not_read_gets_all_in_the_end(
    play: Play, certificate: Certificate
) -> None:
    """Though what is offered again comes from elsewhere, and is longer or shorter."""

    size = 20_000_000

    def slow(connection: Connection) -> None:
        stand_still(connection.sock)
        come = bytearray()  # As a record of what was received it would be copied with each piece.
        while len(come) < size:
            come += connection.sock.recv(1 << 20)
        connection.send(bytes(come))

    with serving(slow, certificate) as url:
        told = play("pour", url, size, ca_file=certificate.path)
        assert told == "the same, waited often"


@pytest.mark.parametrize("how", ["fin", "rst"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_end_without_a_goodbye_is_known(
    play: Play, tmp_path: Path, how: str, version: ssl.TLSVersion
) -> None:
    certificate = make_certificate(tmp_path, "localhost")
    certificate.context.maximum_version = version

    def rude(connection: Connection) -> None:
        greeting(connection)
        cut_off(connection, reset=how == "rst")

    with serving(rude, certificate) as url:
        told = play("ask", url, ca_file=certificate.path)
    # With a reset the bytes before it may be lost.
    assert told in ("well met, end", "well met, broken", *([", broken"] if how == "rst" else []))


def test_failures_are_told_apart(play: Play, certificate: Certificate, tmp_path: Path) -> None:
    def outcome(url: str, **environment: str) -> str:
        error, colon, words = play("ask", url, **environment).partition(": ")
        assert colon
        assert words
        return error

    other = make_certificate(tmp_path, "other.example")
    nowhere = str(tmp_path / "none.sock")
    assert outcome(f"http://127.0.0.1:{free_port()}/") == "connect"
    assert outcome("http://localhost/", unix_socket=nowhere) == "connect"
    assert outcome("http://nosuch.invalid/") == "name"
    assert outcome("ftp://localhost/") == "connect"
    with full_backlog() as url:
        assert outcome(url, hurry="yes") == "connect-timeout"
    with scripted(stay) as upstream:
        assert outcome(f"https://127.0.0.1:{upstream.port}", hurry="yes") == "connect-timeout"
    with scripted(no_tls) as upstream:
        assert outcome(f"https://localhost:{upstream.port}/") == "tls"
    with serving(greeting, certificate) as url:
        assert outcome(url, ca_file=other.path) == "certificate"
        assert outcome(url, ca_file="/nonexistent.pem") == "certificate"
    with serving(greeting, other) as url:
        assert outcome(url, ca_file=other.path) == "certificate"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_either_family_is_found_and_the_one_beside_is_named(play: Play, host: str) -> None:
    other = "127.0.0.1" if host == "::1" else "[::1]"
    with scripted(greeting, host, free_port()) as upstream:
        assert play("ask", f"http://localhost:{upstream.port}/") == "well met, end"
        told = play("ask", f"http://{other}:{upstream.port}/")
        assert told.startswith("connect-beside: ")


def test_family_that_does_not_answer_is_passed_by(play: Play) -> None:
    port = free_port()
    with scripted(greeting, "127.0.0.1", port), full_backlog("::1", port):
        assert play("ask", f"http://localhost:{port}/") == "well met, end"


def test_attempts_are_given_up_at_any_time(play: Play, certificate: Certificate) -> None:
    with full_backlog() as url:
        assert play("give up", url, 40) == "0 told, 0 left"
    with scripted(stay) as upstream:
        url = f"https://127.0.0.1:{upstream.port}/"
        assert play("give up", url, 40, ca_file=certificate.path) == "0 told, 0 left"
    assert play("give up", "http://nosuch.invalid/", 1) == "0 told, 0 left"


@each_kind
def test_others_are_given_up_and_begun_as_one_is_told(
    play: Play, certificate: Certificate, *, tls: bool
) -> None:
    with serving(echo, certificate if tls else None) as url:
        assert play("compete", url, 100, ca_file=certificate.path) == "2 told"


def test_attempts_that_fail_at_once_are_given_up_as_one_is_told(play: Play) -> None:
    with full_backlog() as url:
        told = play("compete", url, 100, hurry="yes")
        assert told.startswith("connect-timeout: ")
        assert told.endswith("\n2 told")


def test_want_of_descriptors_is_told_and_passes(play: Play) -> None:
    with serving(echo, None) as url:
        assert play("run short", url, 20) == "few"
