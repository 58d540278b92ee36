"""Tests of the other ways in that the listener does not pass, each with its reason.

A test is named by its file and function; with its parameters, in brackets, where only these differ.
Every other test that has a parametrisation `fastpath` passes through it.
"""

from __future__ import annotations

TRAFFIC, LIVE, PROCESS = "tests/traffic/", "tests/live/", "tests/process/"

CHUNKED = "A chunked body streams to the frontend; what Django cannot read is 411 all the same."

EXCLUSIONS = {
    f"{TRAFFIC}test_targets.py::"
    "test_target_crosses_raw_or_quoted_again[/%ff%fe-/%FF%FE-fastpath]": (
        "Whose path that is no UTF-8 is, is Django's to say: it comes through the middleware, and "
        "there as with plain runserver."
    ),
    f"{TRAFFIC}test_middleware_before.py::test_debug_toolbar_lets_the_frontend_through": (
        "Its INSTALLED_APPS are its own, without ours; with the toolbar's middleware before ours "
        "the listener leaves every request to Django, as with the others of that file."
    ),
    f"{TRAFFIC}test_failures.py::"
    "test_chunked_body_under_runserver_is_411_and_the_connection_closed": CHUNKED,
    f"{TRAFFIC}test_failures.py::test_411_is_heard_by_a_client_that_is_still_sending": CHUNKED,
    f"{TRAFFIC}test_wsgi_application.py::test_chunked_body_that_the_server_loses_is_411": CHUNKED,
    f"{LIVE}test_event_streams.py::test_request_behind_an_event_stream_is_read_away": (
        "At the listener an event stream does not end its connection: the request behind it is "
        "answered after it, as behind any other answer."
    ),
    f"{PROCESS}test_engine_thread.py::test_no_engine_thread_before_the_first_forwarded_request": (
        "The engine is what listens: it is there before any request."
    ),
    f"{PROCESS}test_reloads.py::test_saved_file_restarts_runserver_while_requests_stall": (
        "A save ends nothing of the frontend's; tests/fastpath/test_reload.py says so."
    ),
    f"{PROCESS}test_engine_thread.py::test_engine_thread_sleeps_while_nothing_is_forwarded": (
        "The engine reads the heads of Django's requests, too."
    ),
}


def reason_against(test: str) -> str | None:
    """Why a test, by pytest's name of it, is none of the listener's; None: it is, or another's."""
    name, _, parameters = test.partition("[")
    is_fastpath = any(part.endswith("fastpath") for part in parameters.rstrip("]").split("-"))
    return EXCLUSIONS.get(test, EXCLUSIONS.get(name) if is_fastpath else None)
