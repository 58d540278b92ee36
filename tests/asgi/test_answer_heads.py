"""Heads of answers that a server might refuse to send, under ASGI servers."""

from __future__ import annotations

import pytest

from tests.asgi.server_table import row_of
from tests.asgi.servers import both
from tests.harness.scripted_upstream import answering
from tests.traffic.stage import Stage, on

HTTP = b"HTTP/1.1 "


@on(*both())
def test_control_characters_become_spaces(stage: Stage) -> None:
    stage.play(
        answering(
            HTTP + b"200 O\x01K\x7f\r\nSet-Cookie: a=1\x01; Path=/\x1f\r\nX-Odd: \x0bx\x7fy\tz\r\n"
            b"X-None: \x02\r\nContent-Length: 2\r\n\r\nok"
        )
    )
    answer = stage.get("/")
    assert (answer.status, answer.body) == (200, b"ok")
    assert answer.all("Set-Cookie") == ["a=1 ; Path=/"]
    assert (answer.get("X-Odd"), answer.get("X-None")) == ("x y\tz", "")


@on(*both())
@pytest.mark.parametrize("length", [b"0", b"5"])
def test_content_length_of_a_204_stays_behind(stage: Stage, length: bytes) -> None:
    stage.play(
        answering(HTTP + b"204 No Content\r\nX-Mark: 1\r\nContent-Length: " + length + b"\r\n\r\n")
    )
    answer = stage.get("/")
    assert (answer.status, answer.get("Content-Length")) == (204, None)
    assert answer.get("X-Mark") == "1"


@on(*both())
@pytest.mark.parametrize("status", [599, 600, 999])
def test_odd_status_crosses(stage: Stage, status: int) -> None:
    stage.play(answering(HTTP + b"%d Odd\r\nContent-Length: 2\r\n\r\nok" % status))
    answer = stage.get("/")
    if status > 599 and row_of(stage.kind).status == "502":
        assert (answer.status, answer.body[:15]) == (502, b"samesite_proxy:")
    else:
        assert (answer.status, answer.body) == (status, b"ok")
