"""The answer as middleware before ours sees it, and as the server sends it."""

from __future__ import annotations

import pytest
from django.utils.cache import patch_vary_headers

from samesite_proxy.proxy.response import FrontendResponse

FIELDS = [
    ("Content-Type", "text/plain"),
    ("X-Twice", "1"),
    ("Set-Cookie", "a=1; Path=/"),
    ("x-twice", "2"),
    ("Set-Cookie", "b=2"),
    ("Vary", "Accept"),
]


@pytest.fixture
def response() -> FrontendResponse:
    return FrontendResponse(200, "Fine", list(FIELDS), [b"body"])


def test_untouched_answer_crosses_as_it_is(response: FrontendResponse) -> None:
    assert response.items() == FIELDS
    assert (response.status_code, response.reason_phrase) == (200, "Fine")
    assert response.streaming


def test_looking_at_it_changes_nothing(response: FrontendResponse) -> None:
    assert response["X-TWICE"] == "1, 2"
    assert response.has_header("vary")
    assert "ETag" not in response
    assert response.items() == FIELDS


def test_nothing_is_invented() -> None:
    bare = FrontendResponse(204, "", [], [])
    assert bare.items() == []
    assert bare.reason_phrase == ""
    assert "Content-Type" not in bare


def test_changed_field_replaces_all_of_its_lines(response: FrontendResponse) -> None:
    response["X-Twice"] = "3"
    assert [field for field in response.items() if field[0].lower() == "x-twice"] == [
        ("X-Twice", "3")
    ]


def test_deleted_field_loses_all_of_its_lines(response: FrontendResponse) -> None:
    del response["Set-Cookie"]
    assert [name for name, _ in response.items()] == ["Content-Type", "X-Twice", "x-twice", "Vary"]


def test_deleted_and_set_again_the_new_value_wins(response: FrontendResponse) -> None:
    del response["vary"]
    response["VARY"] = "Cookie"
    assert response.items()[-1] == ("Vary", "Cookie")


def test_added_field_comes_last(response: FrontendResponse) -> None:
    response.headers["X-New"] = "1"
    assert response.items() == [*FIELDS, ("X-New", "1")]


def test_vary_is_merged_by_djangos_helper(response: FrontendResponse) -> None:
    patch_vary_headers(response, ["Cookie"])
    assert ("Vary", "Accept, Cookie") in response.items()
