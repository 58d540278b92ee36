"""The engine and its process: forks, the end, Ctrl-C, and the lack of descriptors."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from queue import Queue

import pytest

from tests.harness.preload import preloaded
from tests.harness.scripted_upstream import Connection, ScriptedUpstream, scripted

ROOT = Path(__file__).parents[2]
DEADLINE = 40
# The programs fork beside the engine's thread, of which Python warns from 3.12 on.
MEANT = "ignore:This process:DeprecationWarning"


class Program:
    """One of the programs, running, and what it says."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def rest(self) -> list[str]:
        """What it says up to its end, which must come and be a good one."""
        said, complaints = self.process.communicate(timeout=DEADLINE)
        assert (self.process.returncode, complaints) == (0, ""), said
        return said.splitlines()


@contextlib.contextmanager
def running(
    name: str, *arguments: str, prefix: tuple[str, ...] = (), programs: str = "programs"
) -> Iterator[Program]:
    process = subprocess.Popen(
        [*prefix, sys.executable, "-W", MEANT, "-m", f"tests.engine.{programs}", name, *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield Program(process)
        finally:
            process.kill()


def result_of(name: str, *arguments: str, programs: str = "programs") -> list[str]:
    with running(name, *arguments, programs=programs) as program:
        return program.rest()


STALLED: Queue[str] = Queue()


def script(connection: Connection) -> None:
    """Answers by the target, or stalls with or without a beginning of an answer."""
    while True:
        start = len(connection.received)
        connection.receive_head()
        target = connection.received[start:].split(b" ")[1]
        if target == b"/stay":
            STALLED.put("stay")
            # A sender is held back, and that its connection ends is seen all the same.
            connection.sock.recv(1 << 16)
            connection.receive_to_end()
        elif target == b"/half":
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
            STALLED.put("half")
            connection.receive_to_end()
        else:
            connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(target) + target)


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    while not STALLED.empty():
        STALLED.get()
    with scripted(script) as running_upstream:
        yield running_upstream


def await_stalled(count: int) -> None:
    for _ in range(count):
        STALLED.get(timeout=20)


on_linux = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="reads Linux' /proc")


@on_linux
@pytest.mark.parametrize("libraries", [(), ("pairs",)], ids=["as-it-is", "without-socketpair"])
def test_every_descriptor_of_the_engine_is_close_on_exec(
    upstream: ScriptedUpstream, libraries: tuple[str, ...]
) -> None:
    """libcurl's own, too, however it makes them."""
    prefix = ("env", *(f"LD_PRELOAD={preloaded(library)}" for library in libraries))
    with running("close_on_exec", upstream.url, prefix=prefix) as program:
        count, *leaking = program.rest()
    assert int(count) >= 5
    assert leaking == []


def test_lack_of_descriptors_is_said_and_passes(upstream: ScriptedUpstream) -> None:
    first, _, stalled, fresh, last = result_of("without_descriptors", upstream.url)
    assert first == last == "/"
    assert stalled == fresh == "too-many 503"


def test_engine_that_cannot_start_for_lack_of_descriptors_starts_later(
    upstream: ScriptedUpstream,
) -> None:
    *refused, last = result_of("start_without_descriptors", upstream.url)
    assert last == "/"
    assert refused[0] in ("system 503", "too-many 503")
    assert set(refused) <= {"system 503", "too-many 503", "/"}


def test_stop_wakes_every_waiter(upstream: ScriptedUpstream) -> None:
    with running("stopped", upstream.url) as program:
        assert program.line() == "started"
        await_stalled(4)
        program.go_on()
        *woken, after, ended = program.rest()
    assert sorted(woken) == ["left -1", "shutdown 503", "shutdown 503", "shutdown 503", "unwanted"]
    assert (after, ended) == ("shutdown 503", "ended")


@pytest.mark.parametrize("daemon", ["daemon", "waited-for"])
@pytest.mark.parametrize("how", ["head", "read", "send", "await_client"])
def test_stalled_upstreams_do_not_hold_the_end(
    upstream: ScriptedUpstream, how: str, daemon: str
) -> None:
    with running("exits", upstream.url, how, daemon) as program:
        assert program.line() == "started"
        await_stalled(4)
        program.go_on()
        said = program.rest()
    if daemon == "waited-for" and how in ("head", "read"):
        assert said == ["shutdown 503"] * 4


def test_stalled_upstreams_do_not_hold_the_end_of_a_thread_pool(upstream: ScriptedUpstream) -> None:
    with running("exits_from_a_pool", upstream.url) as program:
        assert program.line() == "started"
        await_stalled(4)
        program.go_on()
        assert program.rest() == ["shutdown 503"] * 4


@pytest.mark.parametrize("how", ["head", "read", "send", "await_client"])
def test_interrupt_ends_the_waiting(upstream: ScriptedUpstream, how: str) -> None:
    with running("interrupted", upstream.url, how) as program:
        await_stalled(1)
        program.process.send_signal(signal.SIGINT)
        assert program.rest() == ["interrupted"]


@on_linux
def test_waiting_is_as_short_as_ever_while_the_wall_clock_is_set_back() -> None:
    prefix = ("env", f"LD_PRELOAD={preloaded('clock')}")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(20)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with running("interrupted", url, "head", "3600", prefix=prefix) as program:
            connection, _ = silent.accept()
            with connection:
                assert connection.recv(100)
                program.process.send_signal(signal.SIGINT)
                assert program.rest() == ["interrupted"]


@on_linux
@pytest.mark.unsanitized
def test_children_of_a_warm_parent_share_nothing_with_it(upstream: ScriptedUpstream) -> None:
    assert result_of("forks", upstream.url) == ["100", "None 2"]


def test_child_does_not_keep_its_parents_connections(upstream: ScriptedUpstream) -> None:
    with running("forked_connection_ends", upstream.url) as program:
        await_stalled(1)
        program.go_on()
        assert program.line() == "canceled"
        upstream.next_finished()
        program.go_on()
        program.rest()


def test_childs_child_has_its_own_engine(upstream: ScriptedUpstream) -> None:
    assert result_of("forks_twice", upstream.url) == ["True"]


def test_child_of_a_stopped_engine_has_its_own(upstream: ScriptedUpstream) -> None:
    assert result_of("forks_in_the_middle_of_stops", upstream.url) == ["shutdown 503", "True"]


# The names of example are looked up for ever.
HANGING_RESOLVER = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
            struct addrinfo **found)
{
    size_t length = node != NULL ? strlen(node) : 0;

    if (length > 8 && strcmp(node + length - 8, ".example") == 0) {
        (void)!write(98, node, length);
        for (;;) {
            (void)pause();
        }
    }
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
        dlsym(RTLD_NEXT, "getaddrinfo");
    return real(node, service, hints, found);
}
"""


@pytest.mark.skipif(sys.platform == "darwin", reason="it has no LD_PRELOAD")
def test_hanging_resolver_does_not_hold_the_end(tmp_path: Path) -> None:
    source, library = tmp_path / "resolver.c", tmp_path / "resolver.so"
    source.write_text(HANGING_RESOLVER)
    subprocess.run(["cc", "-shared", "-fPIC", source, "-o", library, "-ldl"], check=True)
    preloaded = f"{os.environ.get('LD_PRELOAD', '')}:{library}".lstrip(":")
    prefix = ("env", f"LD_PRELOAD={preloaded}")
    with running("exits_while_resolving", "name.example", prefix=prefix) as program:
        assert program.rest() == [
            "canceled 499",
            "connect-timeout 504",
            "resolving",
            "shutdown 503",
        ]


@pytest.mark.parametrize("how", ["timeout", "canceled"])
def test_child_keeps_what_has_the_numbers_of_lost_sockets(
    upstream: ScriptedUpstream, how: str
) -> None:
    said = result_of("forks_beside_strangers", upstream.url, how, programs="connect_programs")
    assert said == ["True True"]
