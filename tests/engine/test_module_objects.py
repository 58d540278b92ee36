"""What is the process's, whatever modules, interpreters, children and threads come and go."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engine.test_processes import on_linux, result_of, script
from tests.harness.scripted_upstream import ScriptedUpstream, scripted

ONLY_MAIN = (
    "samesite_proxy works in Python's main interpreter only: under mod_wsgi write "
    "WSGIApplicationGroup %{GLOBAL}, under uWSGI single-interpreter = true"
)


@pytest.fixture
def upstream() -> Iterator[ScriptedUpstream]:
    with scripted(script) as running_upstream:
        yield running_upstream


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("reloaded", ["shutdown 503"]),  # Python gives the same object.
        ("imported_again", ["a notifier is a Notifier or None", "shutdown 503"]),
        ("executed_again", ["a notifier is a Notifier or None", "shutdown 503"]),
        ("copied", ["a notifier is a Notifier or None", "/"]),
    ],
)
def test_process_with_several_module_objects_forks(
    upstream: ScriptedUpstream, how: str, said: list[str]
) -> None:
    assert result_of("again", upstream.url, how, programs="module_programs") == [
        "True",
        "True",
        *said,
    ]


def test_subinterpreter_is_told_the_cure_and_changes_nothing(upstream: ScriptedUpstream) -> None:
    said = result_of("refused_in_subinterpreters", upstream.url, programs="module_programs")
    assert said == [*[ONLY_MAIN] * 4, "True", ONLY_MAIN, "True"]


@on_linux
def test_child_leaves_its_parents_notifier_and_listener_alone(upstream: ScriptedUpstream) -> None:
    assert result_of("parents_objects", upstream.url, programs="module_programs") == [
        "-1 []",
        "this notifier belongs to the parent process",
        "shutdown",
        "shutdown",
        "None",
        "shutdown",
        "5",
        "True",
    ]


@pytest.mark.parametrize("how", ["drop", "close", "stop", "table"])
def test_end_is_waited_for_by_all_who_come_to_it(how: str) -> None:
    assert result_of("ends_for_all", how, programs="stop_programs") == ["over"]


def test_stop_beside_every_use(upstream: ScriptedUpstream) -> None:
    assert result_of("stress", upstream.url, "3", programs="stop_programs") == ["3"]
