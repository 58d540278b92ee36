"""The documents' table of frontends, and what `make frontends` has tried for it."""

from __future__ import annotations

import pytest

from tests.frontends.apps import APPS, MINIMAL, version_of
from tests.harness.django_servers import ROOT


def test_every_project_is_a_frontend_that_is_tried() -> None:
    assert sorted(APPS) == sorted(folder.name for folder in MINIMAL.iterdir())


@pytest.mark.parametrize("name", APPS)
def test_line_is_of_the_version_that_is_tried(name: str) -> None:
    lines = (ROOT / "docs/compatibility.md").read_text().splitlines()
    (line,) = (line for line in lines if line.startswith(f"| `{name}` |"))
    assert line.split(" | ")[1] == f"{APPS[name].title} {version_of(name)}"
    assert (MINIMAL / name / APPS[name].heading).read_text().count("as committed") == 1
