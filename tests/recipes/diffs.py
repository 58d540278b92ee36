"""The changes that a page prints as diffs, made in a project's files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.harness.django_servers import ROOT

HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
DIFF = re.compile(r"^```diff\n--- ([^\n]+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def side(hunk: str, sign: str) -> str:
    """What is not changed, and what this sign adds to it."""
    lines = (line or " " for line in hunk.splitlines())
    return "".join(f"{line[1:]}\n" for line in lines if line[0] in (" ", sign))


@dataclass(frozen=True)
class Diff:
    """One block: `@@` stands for lines of the file that are not shown."""

    path: str
    hunks: tuple[str, ...]

    @property
    def before(self) -> str:
        return "".join(side(hunk, "-") for hunk in self.hunks)

    @property
    def after(self) -> str:
        return "".join(side(hunk, "+") for hunk in self.hunks)

    def apply(self, folder: Path) -> None:
        file = folder / self.path
        text = file.read_text()
        for hunk in self.hunks:
            old = side(hunk, "-")
            assert text.count(old) == 1, f"{old!r} is not once in {self.path}"
            text = text.replace(old, side(hunk, "+"))
        file.write_text(text)


def diffs_of(page: str, section: str) -> list[Diff]:
    headings = list(HEADING.finditer(text := (ROOT / page).read_text()))
    names = [each[1] for each in headings]
    start = headings[names.index(section)].end()
    rest = HEADING.split(text[start:], maxsplit=1)[0]
    return [Diff(path, tuple(body.split("@@\n"))) for path, body in DIFF.findall(rest)]
