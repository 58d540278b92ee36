"""An address as the target under ASGI: requests, and the handshakes of WebSockets."""

from __future__ import annotations

from tests.asgi.server_table import row_of
from tests.asgi.servers import both, front
from tests.traffic.stage import Stage, on, request
from tests.traffic.test_absolute_form import counts_whole, host_stays

HANDSHAKE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
)


@on(*both())
def test_address_as_target_counts_whole(stage: Stage) -> None:
    if row_of(stage.kind).address == "Host":
        host_stays(stage)
    else:
        counts_whole(stage, is_raw=True)


@on(*front("hypercorn", "gunicorn"))
def test_address_of_a_handshake_counts_whole(stage: Stage) -> None:
    """By what the frontend is asked; it refuses the WebSocket."""
    recorder = stage.record(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
    asked = request("GET", "http://x.localhost:81/hmr?a=%2F", *HANDSHAKE, host="evil.example")
    assert stage.exchange(asked).status in (403, 404)
    seen = recorder.next()
    assert (seen.target, seen.get("X-Forwarded-Host")) == ("/hmr?a=%2F", "x.localhost:81")
    for target in ("http://evil.example/hmr", "http://u@localhost/hmr", "https://localhost/hmr"):
        assert stage.exchange(request("GET", target, *HANDSHAKE)).status in (400, 403), target
    assert recorder.seen.empty()
