"""The request target crosses byte for byte, or quoted again without loss of meaning."""

from __future__ import annotations

import pytest

from tests.asgi.servers import both
from tests.traffic.server_table import TABLE
from tests.traffic.stage import EVERY, Stage, on, request

# What the client asks for, and what a server that gives the decoded path makes of it.
TARGETS = [
    ("/", "/"),
    ("/plain/path.js", "/plain/path.js"),
    ("/a%2Fb", "/a/b"),  # The one loss of meaning: an escaped slash.
    ("/%5Bslug%5D", "/%5Bslug%5D"),
    ("/@fs/x?import&v=1", "/@fs/x?import&v=1"),
    ("/@id/__x00__virtual:x", "/@id/__x00__virtual:x"),
    ("/%ff%fe", "/%FF%FE"),
    ("/caf%c3%a9", "/caf%C3%A9"),
    ("/a%20b+c", "/a%20b+c"),
    ("/a%25b", "/a%25b"),
    ("/a%3Fb%23c", "/a%3Fb%23c"),
    ("/a/../b/./c", "/a/../b/./c"),
    ("/a//b", "/a//b"),
    ("/a%00b", "/a%00b"),
    ("/a%0d%0aX-Evil:%201", "/a%0D%0AX-Evil:%201"),
    ("/;p=1,2!$&'()*+=@:~-._", "/;p=1,2!$&'()*+=@:~-._"),
    ("/q?a=%2F&b=[]|^`{}", "/q?a=%2F&b=[]|^`{}"),
    ("/q?", "/q"),
    ("/q??x", "/q??x"),
    ("/q?a=%zz&%", "/q?a=%zz&%"),
    ("/100%", "/100%25"),
    ("/q?url=http://x/y//z", "/q?url=http://x/y//z"),
]


@on(*EVERY)
@pytest.mark.parametrize(("asked", "quoted"), TARGETS)
def test_target_crosses_raw_or_quoted_again(stage: Stage, asked: str, quoted: str) -> None:
    recorder = stage.record()
    assert stage.exchange(request("GET", asked)).body == b"ok"
    assert recorder.next().target == (asked if TABLE[stage.kind].target == "raw" else quoted)


@on(*EVERY)
@pytest.mark.parametrize("target", ["//x", "///x//y", "//", "//evil.example/x?y", "//%2fx?//"])
def test_path_of_two_slashes_crosses_as_a_path(stage: Stage, target: str) -> None:
    recorder = stage.record()
    assert stage.exchange(request("GET", target)).body == b"ok"
    seen = recorder.next()
    quoted = target.replace("%2f", "/")
    assert seen.target == (target if TABLE[stage.kind].target == "raw" else quoted)
    assert seen.get("Host") == "localhost"


@on(*EVERY)
def test_long_target_crosses(stage: Stage) -> None:
    target = "/x?" + "y" * 3900  # gunicorn takes at most 4094 bytes of request line.
    recorder = stage.record()
    assert stage.exchange(request("GET", target)).body == b"ok"
    assert recorder.next().target == target


PLACED = {"TEST_SETTINGS": '{"FORCE_SCRIPT_NAME": "/site", "STATIC_URL": "/site/static/"}'}


@on(*EVERY, *both(), **PLACED)
def test_script_name_that_is_forced_is_no_part_of_what_was_asked_for(stage: Stage) -> None:
    recorder = stage.record()
    for target in ("/x?y=1", "/site", "/site/x"):
        assert stage.get(target).body == b"ok"
        assert recorder.next().target == target
