"""Which of a file's codings a client gets (RFC 9110, 12.5.3)."""

from __future__ import annotations

from collections.abc import Iterable

IDENTITY = ""
# A file's codings, by what their files' names have behind the file's own.
CODINGS = (("", IDENTITY), (".br", "br"), (".gz", "gzip"))
_ALIASES = {"x-gzip": "gzip", "identity": IDENTITY}


def _weight(parameters: str) -> float:
    name, _, value = parameters.replace(" ", "").replace("\t", "").partition("=")
    if name.lower() != "q":
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if 0 <= weight <= 1 else 0.0  # Which a NaN is not, either.


def _weights(accepted: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for part in accepted.split(","):
        name, _, parameters = part.partition(";")
        name = name.strip().lower()
        if name:
            weights.setdefault(_ALIASES.get(name, name), _weight(parameters))
    return weights


def best(accepted: str, sizes: Iterable[tuple[int, str]]) -> str:
    """The coding of the highest weight; among equals, of the smallest file.

    The file itself is what is left, also where it is refused: it is better than no answer.
    """
    weights = _weights(accepted)

    def rank(variant: tuple[int, str]) -> tuple[float, int]:
        size, coding = variant
        weight = weights.get(coding, weights.get("*", 0.0))
        if coding == IDENTITY and coding not in weights:
            weight = 0.0  # Anything that is asked for by its name is better.
        return -weight, size

    wanted = [each for each in sizes if each[1] == IDENTITY or rank(each)[0] < 0]
    return min(wanted, key=rank)[1]
