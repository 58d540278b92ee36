"""Django, set up once for the tests inside this process, and servers that outlive a test."""

import os
import signal
from collections.abc import Iterator

import django
import pytest
from django.core.checks import registry

from tests.fastpath import exclusions
from tests.traffic.stage import Stage, Stages

# A shell ignores Ctrl-C for what it starts in the background, and nohup the end of a terminal;
# children inherit that: the servers that the tests start and end would not hear it.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.project.settings")
django.setup()


@pytest.fixture(autouse=True)
def checks_of_its_own() -> Iterator[None]:
    """What an application registers that a test lists, as daphne does, ends with the test."""
    before = set(registry.registry.registered_checks)
    yield
    registry.registry.registered_checks = before


@pytest.fixture(scope="session")
def stages() -> Iterator[Stages]:
    running = Stages()
    yield running
    running.close()


@pytest.fixture
def stage(stages: Stages, request: pytest.FixtureRequest) -> Iterator[Stage]:
    """The server named by the mark `on`, with this test's own script and log."""
    kind, options = request.param
    environment = dict(options)
    settings = environment.pop("settings", {})
    found = stages.get(kind, settings, environment)
    found.begin()
    yield found
    found.finish()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Browser tests come last: playwright leaves an event loop running in this thread."""
    excluded = [item for item in items if exclusions.reason_against(item.nodeid)]
    config.hook.pytest_deselected(items=excluded)
    items[:] = [item for item in items if item not in excluded]
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
