"""Plain columns, for people to read."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def shown(text: str) -> str:
    """With nothing in it that a terminal would obey: paths, names and answers are strangers'."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def width(text: str) -> int:
    """How many columns of a terminal it takes: Korean letters take two."""
    return sum(1 + (unicodedata.east_asian_width(each) in "WF") for each in text)


def lines(rows: Sequence[Sequence[str]]) -> list[str]:
    """One line for each row, its cells below those of the row before."""
    rows = [[shown(cell) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell + " " * (most - width(cell)) for cell, most in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
