"""Which of the figures are worse than another's; nothing is left out and nothing is forgiven."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.published.reasons import reason_for
from bench.published.store import Document
from bench.table import number

WORSE = "▼"
# The median is worse, and in some repeat it was not.
PERHAPS = "▽"

HIGHER_IS_BETTER = ("rate", "reuse")
NAMES = {
    "rate": "rate",
    "cpu": "CPU",
    "p99": "p99",
    "p999": "p99.9",
    "connections": "connections to the upstream for 1000 requests",
    "memory": "memory",
    "threads": "threads",
    "slowdown": "with over without",
    "reuse": "requests on used connections",
}


@dataclass(frozen=True)
class Loss:
    """All in which one of ours is worse than one other."""

    case: str
    title: str
    ours: str
    against: str
    figures: tuple[str, ...]
    reason: str


def name_of(measure: str) -> str:
    return NAMES.get(measure, measure.replace("cpu", "CPU"))


def is_worse(measure: str, ours: float, theirs: float) -> bool:
    return ours < theirs if measure in HIGHER_IS_BETTER else ours > theirs


def spread_text(spread: Document) -> str:
    low, high = number(spread["lowest"]), number(spread["highest"])
    return f"{number(spread['median'])} ({low} to {high})"


def verdict(case: Document, pair: Document, measure: str) -> str:
    """Say by a sign whether ours is worse, by the digits that are shown; empty where it is not."""
    figures = case["figures"]
    own, other = figures[pair["ours"]][measure], figures[pair["against"]][measure]
    ratio = pair.get(measure)
    # Connections are counted, and most often hardly any: a ratio to almost nothing says nothing.
    if ratio is None or measure == "connections":
        ours, theirs = (round(spread["median"], 1) for spread in (own, other))
        return WORSE if is_worse(measure, ours, theirs) else ""
    if not is_worse(measure, float(number(ratio["median"])), 1.0):
        return ""
    best = ratio["highest"] if measure in HIGHER_IS_BETTER else ratio["lowest"]
    return WORSE if is_worse(measure, best, 1.0) else PERHAPS


def shared_measures(case: Document, pair: Document) -> list[str]:
    """What was measured of both, in the order of the case's own figures."""
    figures = case["figures"]
    return [name for name in figures[pair["ours"]] if name in figures[pair["against"]]]


def comparison(case: Document, pair: Document, measure: str) -> str:
    """Write the ratio, or both figures where there is none, with the sign."""
    sign = verdict(case, pair, measure)
    ratio = pair.get(measure)
    if ratio is None or measure == "connections":
        own, other = (case["figures"][pair[who]][measure] for who in ("ours", "against"))
        return f"{own['median']:.1f} to {other['median']:.1f} {sign}".rstrip()
    return f"{spread_text(ratio)} {sign}".rstrip()


def losses(document: Document) -> Iterator[Loss]:
    """Each pair in which ours is worse in anything."""
    for case in document["cases"]:
        for pair in case["ratios"]:
            worse = [name for name in shared_measures(case, pair) if verdict(case, pair, name)]
            if worse:
                figures = tuple(f"{name_of(m)} {comparison(case, pair, m)}" for m in worse)
                reason = reason_for(case["case"], pair["against"], worse)
                names = (case["case"], case["title"], pair["ours"], pair["against"])
                yield Loss(*names, figures, reason)


def missed_goals(document: Document) -> Iterator[tuple[str, str, str, str]]:
    """Title, other, goal and what was seen, where a goal of ours was not reached."""
    for case in document["cases"]:
        for pair in case["ratios"]:
            goal = pair.get("goal")
            seen = pair.get(goal["measure"]) if goal else None
            if goal and seen and is_worse(goal["measure"], seen["median"], goal["value"]):
                sign = "≥" if goal["measure"] in HIGHER_IS_BETTER else "≤"
                wanted = f"{name_of(goal['measure'])} {sign} {number(goal['value'])}"
                yield case["title"], pair["against"], wanted, spread_text(seen)
