"""`samesite_proxy routes`: every pattern, whose it is, and why."""

from __future__ import annotations

from typing import Any

from samesite_proxy.commands import columns
from samesite_proxy.commands.owners import Owners, live
from samesite_proxy.conf import Settings

END = (
    "The longest pattern that matches decides. Of one that is asked, Django's resolver says path by"
    " path whether a view matches; if none does, the longest other pattern decides."
)


def found(settings: Settings) -> dict[str, Any]:
    owners = Owners(settings, live(settings))
    ordered = sorted(owners.owned, key=lambda each: each.rule)
    return {"routes": [owners.plain(each) for each in ordered]}


def _pattern(route: dict[str, Any]) -> str:
    """`/api/…` is all below it, `/legacy*` all that begins so."""
    text: str = route["pattern"]
    return {"prefix": f"{text.removesuffix('/')}/…", "starts": f"{text}*"}.get(route["kind"], text)


def _who(route: dict[str, Any]) -> str:
    return {"ask": "asked", "django": "Django"}.get(route["owner"], f"frontend {route['frontend']}")


def told(answer: dict[str, Any], style: Any) -> str:
    """`answer` as found() has it, for people."""
    rows = [("PATTERN", "WHO", "WHY")]
    rows += [(_pattern(each), _who(each), each["why"]) for each in answer["routes"]]
    heading, *lines = columns.lines(rows)
    return "\n".join([style.MIGRATE_HEADING(heading), *lines, "", END])
