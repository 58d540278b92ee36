"""Tests that follow each other in one process, where several share the suite."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def grouped(name: str, values: Iterable[str]) -> list[Any]:
    """Parameters: the tests of each are a group, and what lives for all of them is made once."""
    return [
        pytest.param(value, marks=pytest.mark.xdist_group(f"{name} {value}")) for value in values
    ]
