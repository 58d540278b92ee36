"""The check that says whose runserver runs."""

from __future__ import annotations

import pytest
from django.test import override_settings

from samesite_proxy.checks import check_project
from samesite_proxy.fastpath import base_command
from samesite_proxy.proxy.place import NAME

STATIC = "django.contrib.staticfiles"
WHITENOISE = "whitenoise.runserver_nostatic"
OURS = "samesite_proxy"


def warnings(*applications: str) -> list[str]:
    with override_settings(INSTALLED_APPS=list(applications), MIDDLEWARE=[NAME]):
        return [message.msg for message in check_project() if message.id == "samesite_proxy.W004"]


@pytest.mark.parametrize("other", [STATIC, "daphne"])
def test_another_runserver_above_ours_is_a_warning(other: str) -> None:
    (message,) = warnings("django.contrib.messages", other, OURS)
    assert f"below {other} " in message


@pytest.mark.parametrize(
    "applications",
    [(OURS, STATIC), (OURS,), (STATIC,), ("django.contrib.messages", OURS, "daphne")],
)
def test_ours_above_the_others_or_absent_is_fine(applications: tuple[str, ...]) -> None:
    assert warnings(*applications) == []


@pytest.mark.parametrize(
    ("applications", "module"),
    [
        ((STATIC, OURS), "django.core"),
        ((OURS, STATIC), STATIC),
        ((OURS, "daphne", STATIC), "daphne"),
    ],
)
def test_next_runserver_is_the_one_below(applications: tuple[str, ...], module: str) -> None:
    with override_settings(INSTALLED_APPS=list(applications)):
        assert base_command.below_ours().__module__ == f"{module}.management.commands.runserver"
