"""One thing that is told of a project: how it is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

OK, NOTE, WRONG = "ok", "note", "wrong"


@dataclass(frozen=True)
class Finding:
    """`id` stays as it is, for programs; `fix` is "" where there is nothing to do."""

    id: str
    state: str
    says: str
    fix: str = ""
