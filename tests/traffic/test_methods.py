"""Every method crosses, with its body; the two that must not are refused elsewhere."""

from __future__ import annotations

import pytest

from tests.traffic.stage import EVERY, Stage, on, request

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "INVENTED"]
WITH_BODY = [method for method in METHODS if method != "HEAD"]


@on(*EVERY)
@pytest.mark.parametrize("method", METHODS)
def test_method_without_body_crosses(stage: Stage, method: str) -> None:
    recorder = stage.record()
    answer = stage.exchange(request(method, "/x"))
    seen = recorder.next()
    assert (answer.status, answer.body) == (200, b"" if method == "HEAD" else b"ok")
    assert (seen.method, seen.target, seen.body) == (method, "/x", b"")
    assert not seen.names & {"content-length", "transfer-encoding", "content-type"}


@on(*EVERY)
@pytest.mark.parametrize("method", WITH_BODY)
def test_method_with_body_crosses_with_it(stage: Stage, method: str) -> None:
    recorder = stage.record()
    answer = stage.exchange(request(method, "/x", "Content-Type: text/x", body=b"the body"))
    seen = recorder.next()
    assert (answer.status, answer.body) == (200, b"ok")
    assert (seen.method, seen.body, seen.get("Content-Type")) == (method, b"the body", "text/x")


@on(*EVERY)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "INVENTED"])
def test_empty_body_keeps_its_length_of_zero(stage: Stage, method: str) -> None:
    recorder = stage.record()
    assert stage.exchange(request(method, "/x", "Content-Length: 0")).body == b"ok"
    seen = recorder.next()
    assert (seen.method, seen.all("Content-Length"), seen.body) == (method, ["0"], b"")


@on(*EVERY)
def test_options_of_the_whole_server_crosses(stage: Stage) -> None:
    recorder = stage.record()
    assert stage.exchange(request("OPTIONS", "*")).status == 200
    seen = recorder.next()
    assert (seen.method, seen.target) == ("OPTIONS", "*")
