"""The versions that the suite is run with stand in a file, each."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"([\w.-]+)==[\w.+!]+")


def normal(name: str) -> str:
    """As names are compared (PyPA's specification of names)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def names_in(groups: dict[str, list[str | dict[str, str]]], group: str) -> Iterator[str]:
    for entry in groups[group]:
        if isinstance(entry, dict):
            yield from names_in(groups, entry["include-group"])
        else:
            yield normal(re.split(r"[\[<>=!~; ]", entry)[0])


def test_all_that_the_suite_needs_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines = (ROOT / ".ci" / "constraints.txt").read_text().splitlines()
    pins = [found[1] for line in lines if (found := PIN.fullmatch(line))]
    assert len(pins) == len(lines)
    wanted = {"django", "pip", "setuptools", *names_in(project["dependency-groups"], "test")}
    assert wanted <= {normal(name) for name in pins}
