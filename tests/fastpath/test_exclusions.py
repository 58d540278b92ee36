"""What the listener is excused from is there, and would run through it."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from tests.fastpath.exclusions import EXCLUSIONS


def names_in(mark: Any) -> list[str]:
    """What pytest calls each case of one parametrisation."""
    values = [getattr(value, "id", None) or value for value in mark.args[1]]
    return [value if isinstance(value, str) else "-".join(map(str, value)) for value in values]


def cases_of(name: str) -> Iterator[str]:
    """Every case of a test function."""
    path, _, function = name.partition("::")
    module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
    marks = [mark for mark in getattr(module, function).pytestmark if mark.name == "parametrize"]
    for case in itertools.product(*map(names_in, marks)):
        yield f"{name}[{'-'.join(case)}]"


@pytest.mark.parametrize("name", EXCLUSIONS)
def test_exclusion_is_of_a_test_that_the_listener_would_run(name: str) -> None:
    cases = list(cases_of(name.partition("[")[0]))
    if "[" in name:
        assert name in cases
    else:
        assert any("fastpath" in case.partition("[")[2] for case in cases)
