"""What is refused before anything is sent, in which order: the same of an environ and a scope."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from samesite_proxy._engine import CHUNKED, NO_BODY
from samesite_proxy.aio import scope
from samesite_proxy.proxy import errors
from samesite_proxy.proxy.errors import Failure, Refused
from samesite_proxy.proxy.refusals import body_length
from samesite_proxy.sync import environ

Reader = Callable[[str, dict[str, str]], int]


def of_environ(method: str, fields: dict[str, str]) -> int:
    keys = {"Content-Length": "CONTENT_LENGTH", "Transfer-Encoding": "HTTP_TRANSFER_ENCODING"}
    said = {keys[name]: value for name, value in fields.items()}
    return environ.body_length_of({"REQUEST_METHOD": method, "wsgi.input_terminated": True, **said})


def of_scope(method: str, fields: dict[str, str]) -> int:
    return scope.body_length_of(method, list(fields.items()))


def outcome_of(read: Callable[[], int]) -> int | Failure:
    try:
        return read()
    except Refused as refused:
        return refused.failure


CASES: list[tuple[str, dict[str, str], int | Failure]] = [
    ("GET", {}, NO_BODY),
    ("POST", {"Content-Length": "0"}, 0),
    ("POST", {"Content-Length": "17"}, 17),
    ("POST", {"Transfer-Encoding": "chunked"}, CHUNKED),
    ("POST", {"Transfer-Encoding": "Chunked"}, CHUNKED),
    ("HEAD", {"Content-Length": "0"}, 0),
    # The first thing that is wrong is told.
    ("TRACE", {"Content-Length": "x"}, errors.METHOD_REFUSED),
    ("CONNECT", {"Transfer-Encoding": "chunked"}, errors.METHOD_REFUSED),
    ("HEAD", {"Content-Length": "x"}, errors.LENGTH_REFUSED),
    ("POST", {"Content-Length": "-1"}, errors.LENGTH_REFUSED),
    ("POST", {"Content-Length": "٣"}, errors.LENGTH_REFUSED),
    ("POST", {"Content-Length": "9" * 19}, errors.LENGTH_REFUSED),
    ("POST", {"Content-Length": "9" * 5000}, errors.LENGTH_REFUSED),
    ("POST", {"Content-Length": "9" * 18}, 10**18 - 1),
    ("POST", {"Content-Length": "0" * 5000 + "7"}, 7),
    ("HEAD", {"Content-Length": "0" * 5000}, 0),
    ("HEAD", {"Content-Length": "1"}, errors.BODY_WITH_HEAD),
    ("HEAD", {"Transfer-Encoding": "chunked"}, errors.BODY_WITH_HEAD),
    ("POST", {"Transfer-Encoding": "chunked", "Content-Length": "17"}, errors.FRAMED_TWICE),
    ("POST", {"Transfer-Encoding": "identity", "Content-Length": "17"}, errors.FRAMED_TWICE),
    ("POST", {"Transfer-Encoding": "", "Content-Length": "17"}, errors.FRAMED_TWICE),
    ("POST", {"Transfer-Encoding": ""}, errors.CODING_UNKNOWN),
    ("POST", {"Transfer-Encoding": "gzip, chunked"}, errors.CODING_UNKNOWN),
    ("POST", {"Transfer-Encoding": "\xa0chunked"}, errors.CODING_UNKNOWN),
]


@pytest.mark.parametrize("read", [of_environ, of_scope])
@pytest.mark.parametrize(("method", "fields", "expected"), CASES)
def test_length_or_the_first_refusal_is_the_same_whoever_reads(
    read: Reader, method: str, fields: dict[str, str], expected: int | Failure
) -> None:
    assert outcome_of(lambda: read(method, fields)) == expected


def test_two_lengths_are_no_length() -> None:
    assert outcome_of(lambda: body_length("POST", ["1", "2"], [])) == (errors.LENGTH_REFUSED)


@pytest.mark.parametrize("method", ["POST", "HEAD"])
def test_chunked_body_that_the_server_loses_is_told_before_one_of_head(method: str) -> None:
    """Since then the connection ends; else the body would be read as the next request."""
    read = lambda: body_length(method, [], ["chunked"], lost=errors.BODY_LOST)  # noqa: E731
    assert outcome_of(read) == errors.BODY_LOST
