"""What passes through a pipe of the kernel's, whichever way it goes, is whole also where the
system takes less than it is asked to: parts of a send, small pipes, or none.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

import pytest

from tests.harness.django_servers import serving
from tests.harness.http_requests import recording
from tests.harness.kernel_pipes import MOST_PIPES, PIPE, WORTH, no_descriptor_left, pipes
from tests.harness.long_bodies import (
    BIG,
    Sender,
    ask,
    counting,
    has_arrived,
    is_whole,
    sized,
    upload,
)
from tests.harness.patterns import pattern
from tests.harness.preload import preloaded
from tests.harness.raw_client import RawClient
from tests.harness.scripted_upstream import Script, scripted
from tests.live.tunnels import echo, says_back, tunnel


class Way(NamedTuple):
    script: Script
    connected: Callable[[int], AbstractContextManager[RawClient]]
    is_whole: Callable[[RawClient, int], bool]  # so many bytes, carried now
    ends: tuple[int, ...]  # of pipes, once it is quiet: those of one, or of one each way


def _down(client: RawClient, size: int) -> bool:
    ask(client, size)
    return is_whole(client, size)


def _up(client: RawClient, size: int) -> bool:
    sender = Sender(client, iter((upload(size), *pattern(size))))
    has_come = has_arrived(client, size)
    sender.end()
    return has_come


def _both_ways(client: RawClient, size: int) -> bool:
    return says_back(client, b"".join(pattern(size)))


WAYS = [
    pytest.param(Way(sized, RawClient, _down, (2,)), id="answer"),
    pytest.param(Way(recording(counting), RawClient, _up, (2,)), id="upload"),
    pytest.param(Way(echo, tunnel, _both_ways, (2, 4)), id="tunnel"),
]


@pytest.mark.skipif(sys.platform != "linux", reason="preloads a library")
@pytest.mark.parametrize(
    ("library", "variable", "value", "has_pipes"),
    [
        ("sends", "SENDS", "1 a 100000 i 64 a a . 3 . 500000 . a 2 .", True),
        ("pipes", "PIPE_SIZE", "4096", False),
        ("pipes", "PIPE_SIZE", "65536", True),
    ],
    ids=["cut-sends", "no-pipes", "small-pipes"],
)
@pytest.mark.parametrize("way", WAYS)
def test_bytes_are_whole_whatever_is_taken(
    way: Way, library: str, variable: str, value: str, has_pipes: bool
) -> None:
    preload = {"LD_PRELOAD": preloaded(library), variable: value}
    with (
        scripted(way.script) as upstream,
        serving("fastpath", {"FRONTEND": upstream.url}, **preload) as server,
        way.connected(server.port) as client,
    ):
        before = pipes(server.process.pid)
        for size in (WORTH + 16384, 3 * PIPE, 1, BIG, BIG):
            assert way.is_whole(client, size), size
        left = way.ends if has_pipes and MOST_PIPES else (0,)
        assert pipes(server.process.pid) - before in left


@pytest.mark.parametrize("way", WAYS)
def test_bytes_are_copied_while_there_is_no_descriptor_for_a_pipe(way: Way) -> None:
    with (
        scripted(way.script) as upstream,
        serving("fastpath", {"FRONTEND": upstream.url}) as server,
        way.connected(server.port) as client,
    ):
        pid = server.process.pid
        assert way.is_whole(client, 1)
        before = pipes(pid)
        with no_descriptor_left(pid):
            assert way.is_whole(client, BIG)
            assert pipes(pid) == before
        assert way.is_whole(client, BIG)
        assert pipes(pid) - before in (way.ends if MOST_PIPES else (0,))
