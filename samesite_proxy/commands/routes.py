"""`samesite_proxy routes`: every pattern, whose it is, and why."""

from __future__ import annotations

from typing import Any

from samesite_proxy.commands import columns
from samesite_proxy.commands.owners import Owners
from samesite_proxy.conf import Settings

END = (
    "The longest pattern that matches decides. Of one that is asked, Django's resolver says path by"
    " path whether a view matches; if none does, the longest other pattern decides."
)


def found(settings: Settings) -> dict[str, Any]:
    owners = Owners(settings)
    ordered = sorted(owners.owned, key=lambda each: each.rule)
    return {"routes": [owners.plain(each) for each in ordered]}


def told(settings: Settings, style: Any) -> str:
    owners = Owners(settings)
    ordered = sorted(owners.owned, key=lambda each: each.rule)
    rows = [("PATTERN", "WHO", "WHY")]
    rows += [(each.pattern, owners.who(each), each.why) for each in ordered]
    heading, *lines = columns.lines(rows)
    return "\n".join([style.MIGRATE_HEADING(heading), *lines, "", END])
