"""Servers live as long as the test session; each test has its own script and its own log."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.traffic.stage import Stage, Stages


@pytest.fixture(scope="session")
def stages() -> Iterator[Stages]:
    running = Stages()
    yield running
    running.close()


@pytest.fixture
def stage(stages: Stages, request: pytest.FixtureRequest) -> Iterator[Stage]:
    """The server named by the mark `on`."""
    kind, options = request.param
    environment = dict(options)
    settings = environment.pop("settings", {})
    found = stages.get(kind, settings, environment)
    found.begin()
    yield found
    found.finish()
