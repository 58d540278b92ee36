"""What is asked of a frontend that is down for a moment waits for it, in development."""

from __future__ import annotations

import time

import pytest

from samesite_proxy._engine import Exchange, Upstream
from tests.engine.exchanges import HOST, OK, answer_of, ask, code_of_head, upstream_at
from tests.harness.ports import free_port
from tests.harness.scripted_upstream import answering, scripted

# A request that is not held fails sooner, one that is held waits longer.
AT_ONCE = 1.0
HELD_MOST = 32


def upstream_on(port: int, *, is_development: bool = True, is_started: bool = False) -> Upstream:
    return upstream_at(
        f"http://127.0.0.1:{port}", is_development=is_development, is_started=is_started
    )


def that_has_answered(port: int, *, is_development: bool = True) -> Upstream:
    """A frontend that is down since then."""
    at = upstream_on(port, is_development=is_development)
    with scripted(answering(OK), port=port):
        assert ask(at).body == b"ok"
    return at


def outcome(exchange: Exchange) -> tuple[str, float]:
    began = time.monotonic()
    return code_of_head(exchange), time.monotonic() - began


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("length", [-2, 0])
def test_request_waits_for_a_frontend_that_is_back_soon(method: str, length: int) -> None:
    port = free_port()
    at = that_has_answered(port)
    held = at.request(method, "/held", HOST, length)
    time.sleep(0.3)
    with scripted(answering(OK), port=port) as upstream:
        assert answer_of(held).status == 200
        asked = b"".join(connection.received for connection in upstream.connections)
        assert asked.count(f"{method} /held ".encode()) == 1


def test_request_waits_for_a_frontend_that_starts_with_us() -> None:
    port = free_port()
    held = upstream_on(port, is_started=True).request("GET", "/", HOST)
    time.sleep(0.3)
    with scripted(answering(OK), port=port):
        assert answer_of(held).body == b"ok"


@pytest.mark.parametrize(
    ("method", "length"), [("GET", 4), ("GET", -1), ("GET", -3), ("POST", -2), ("DELETE", -2)]
)
def test_what_must_not_be_late_fails_at_once(method: str, length: int) -> None:
    at = that_has_answered(free_port())
    code, seconds = outcome(at.request(method, "/", HOST, length))
    assert code == "connect"
    assert seconds < AT_ONCE


def test_frontend_that_never_answered_is_not_waited_for() -> None:
    code, seconds = outcome(upstream_on(free_port()).request("GET", "/", HOST))
    assert code == "connect"
    assert seconds < AT_ONCE


def test_frontend_is_not_waited_for_outside_of_development() -> None:
    at = that_has_answered(free_port(), is_development=False)
    code, seconds = outcome(at.request("GET", "/", HOST))
    assert code == "connect"
    assert seconds < AT_ONCE


def test_frontend_that_stays_down_is_waited_for_once_and_again_after_it_was_up() -> None:
    port = free_port()
    at = that_has_answered(port)
    code, seconds = outcome(at.request("GET", "/", HOST))
    assert code == "connect"
    assert 4 < seconds < 9
    code, seconds = outcome(at.request("GET", "/", HOST))
    assert code == "connect"
    assert seconds < AT_ONCE
    with scripted(answering(OK), port=port):
        assert ask(at).body == b"ok"
    held = at.request("GET", "/", HOST)
    time.sleep(0.3)
    with scripted(answering(OK), port=port):
        assert answer_of(held).body == b"ok"


def test_request_is_to_be_decided_anew_once_the_frontend_has_left() -> None:
    at = that_has_answered(free_port())
    held = at.request("GET", "/", HOST)
    at.leave()
    code, seconds = outcome(held)
    assert code == "moved"
    assert seconds < AT_ONCE


def test_frontend_that_is_left_is_asked_as_long_as_it_is_there() -> None:
    port = free_port()
    at = upstream_on(port)
    at.leave()
    with scripted(answering(OK), port=port):
        assert ask(at).body == b"ok"


def test_heir_has_answered_and_been_down_as_the_one_before() -> None:
    at = that_has_answered(free_port())
    code, _ = outcome(at.request("GET", "/", HOST))
    assert code == "connect"
    heir = upstream_on(free_port(), is_started=True)
    at.leave(heir)
    code, seconds = outcome(heir.request("GET", "/", HOST))
    assert code == "connect"
    assert seconds < AT_ONCE
    lately = that_has_answered(port := free_port())
    lately.leave(other := upstream_on(port))
    held = other.request("GET", "/", HOST)
    time.sleep(0.3)
    with scripted(answering(OK), port=port):
        assert answer_of(held).body == b"ok"


def test_heir_is_an_upstream() -> None:
    with pytest.raises(TypeError, match="heir is an Upstream or None"):
        upstream_on(1).leave("http://127.0.0.1:2")  # type: ignore[arg-type]


def test_no_more_than_a_page_waits() -> None:
    port = free_port()
    at = that_has_answered(port)
    held = [at.request("GET", f"/{number}", HOST) for number in range(HELD_MOST)]
    time.sleep(0.3)
    code, seconds = outcome(at.request("GET", "/more", HOST))
    assert code == "connect"
    assert seconds < AT_ONCE
    held.pop().cancel()
    held.append(at.request("GET", "/instead", HOST))
    time.sleep(0.3)
    with scripted(answering(OK), port=port):
        assert [answer_of(exchange).body for exchange in held] == [b"ok"] * len(held)
