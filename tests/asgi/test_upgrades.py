"""Requests that offer another protocol than a WebSocket: ordinary ones, as HTTP lets a server."""

from __future__ import annotations

import pytest

from tests.asgi.servers import both
from tests.live.test_upgrade_offers import DROPPED, HELLO, OFFERED, OWN
from tests.traffic.stage import Stage, on, request

# What a server takes for itself: hypercorn goes over to h2c, and to daphne a WebSocket needs no
# Connection field.
TAKEN = {"hypercorn": {"h2c", "lines"}, "daphne": {"not named"}}


@on(*both())
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_other_protocols_are_ignored(stage: Stage, method: str) -> None:
    recorder = stage.record()
    taken = TAKEN.get(stage.kind.split()[0], set())
    for name, lines in {**DROPPED, **OFFERED}.items():
        if name not in taken:
            answer = stage.exchange(request(method, "/api/hello/", *lines))
            assert (answer.status, answer.body) == (200, HELLO), name
            assert recorder.seen.empty()
            answer = stage.exchange(request(method, "/page", *lines))
            assert (answer.status, answer.body) == (200, b"ok"), name
            assert recorder.next().names & OWN == set()
