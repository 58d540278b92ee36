"""The figures beside the page: each case as it was measured last, all on one machine."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# A document of JSON's: its values are looked into by those who know the names.
Document = dict[str, Any]


class OtherMachine(Exception):
    """Figures of two machines, or of two versions, would stand in one table."""


def figures_file(page: Path) -> Path:
    return page.with_suffix(".json")


def load(page: Path) -> Document:
    """Return what stands beside the page; nothing at first."""
    file = figures_file(page)
    if not file.exists():
        return {"machine": {}, "cases": []}
    document: Document = json.loads(file.read_text(encoding="utf-8"))
    return document


def refuse_other_machine(kept: Document, machine: Mapping[str, object], names: set[str]) -> None:
    """Raise where cases that are not measured anew would stay from another machine."""
    stay = [case["case"] for case in kept["cases"] if case["case"] not in names]
    changed = [name for name in machine if machine[name] != kept["machine"].get(name)]
    if stay and changed:
        raise OtherMachine(
            f"{', '.join(changed)} changed since {', '.join(stay)} were measured:"
            " measure all, or delete the page's .json"
        )


def merged(
    kept: Document, machine: Mapping[str, object], cases: Sequence[Document], order: Sequence[str]
) -> Document:
    """Put the cases in place of those of the same names; none of another machine stays."""
    stay = kept["cases"] if kept["machine"] == dict(machine) else []
    by_name = {case["case"]: case for case in [*stay, *cases]}
    return {
        "machine": dict(machine),
        "cases": [by_name[name] for name in order if name in by_name],
    }


def save(page: Path, document: Document) -> None:
    text = json.dumps(document, indent=1, ensure_ascii=False)
    figures_file(page).write_text(f"{text}\n", encoding="utf-8")
