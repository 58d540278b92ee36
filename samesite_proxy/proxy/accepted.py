"""What a client gives a type in its Accept (RFC 9110, 12.5.1)."""

from __future__ import annotations

import re

# Below 1 (RFC 9110, 12.4.2).
_WEIGHT = re.compile(r"0(\.[0-9]{0,3})?")


def quality(accept: str, kind: str) -> float:
    """Of a type that it names itself: a wildcard asks for nothing."""
    best = 0.0
    for item in accept.lower().split(","):
        # Blanks alone (RFC 9110, 5.6.3): what else is white space in Latin-1 is part of a name.
        name, *parameters = (part.strip(" \t") for part in item.split(";"))
        if name == kind:
            said = next((one[2:] for one in parameters if one.startswith("q=")), "1")
            best = max(best, float(said) if _WEIGHT.fullmatch(said) else 1)  # As Django has it.
    return best
