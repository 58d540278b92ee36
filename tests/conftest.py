"""Django, set up once for the tests inside this process, and servers that outlive a test."""

import os
import signal
from collections.abc import Generator, Iterator

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


def is_long(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(name) for name in ("browser", "slow"))


def put_together(items: list[pytest.Item]) -> None:
    """A group's tests one behind the other, groups of long ones first: a process that has come to
    its end then helps with the short ones. Else the order stays as random as it was."""
    places: dict[object, tuple[bool, int]] = {}
    groups: dict[pytest.Item, object] = {}
    for place, item in enumerate(items):
        mark = item.get_closest_marker("xdist_group")
        group = groups[item] = mark.args if mark else item
        is_short, first = places.get(group, (True, place))
        places[group] = (is_short and not is_long(item), first)
    items.sort(key=lambda item: places[groups[item]])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None]:
    excluded = [item for item in items if exclusions.reason_against(item.nodeid)]
    config.hook.pytest_deselected(items=excluded)
    items[:] = [item for item in items if item not in excluded]
    yield
    put_together(items)
