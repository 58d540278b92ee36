"""What was measured as one document for machines: every case in the same shape."""

from collections.abc import Mapping

from bench.goals import goal_for
from bench.kinds import Case, Idle, Large, Memory, Page
from bench.load import MB
from bench.results import MEASURES, Result, Spread
from bench.subjects import OURS

KB = 1024
DIGITS = 4

Figures = dict[str, dict[str, Spread]]


def rounded(value: float) -> float:
    """Keep the digits that mean something."""
    return float(f"{value:.{DIGITS}g}")


def spread_document(spread: Spread) -> dict[str, object]:
    return {
        "median": rounded(spread.median),
        "lowest": rounded(min(spread.values)),
        "highest": rounded(max(spread.values)),
        "values": [rounded(value) for value in spread.values],
    }


def units(case: Case) -> dict[str, str]:
    """What the figures of a case are counted in."""
    match case:
        case Large():
            rate, cpu = "MB/s", "s/GB"
        case Page():
            rate, cpu = "loads/s", "s/load"
        case _:
            rate, cpu = "requests/s", "µs/request"
    memory = "kB each" if isinstance(case, Idle) else "MB"
    times = {"p99": "ms", "p999": "ms"}
    return {"rate": rate, "cpu": cpu, **times, "memory": memory, "reuse": "%"}


def figures(result: Result) -> Figures:
    """All figures, by subject and by what they measure."""
    found: Figures = {}

    def put(measure: str, by_subject: Mapping[str, Spread | None]) -> None:
        for name, spread in by_subject.items():
            if spread is not None:
                found.setdefault(name, {})[measure] = spread

    for measure in (*MEASURES, "connections"):
        put(measure, {name: result.figure(name, measure) for name in result.samples})
    unit = KB if isinstance(result.case, Idle) else MB
    for name, held in result.memory.items():
        put("memory", {name: Spread(tuple(value / unit for value in held.values))})
    put("threads", result.threads)
    put("slowdown", result.slowdown)
    for name, shares in result.reuse.items():
        put("reuse", {name: Spread(tuple(share * 100 for share in shares.values))})
    for name, costs in result.streams.items():
        for count, cost in costs.items():
            put(f"cpu, {count} streams", {name: cost})
    return found


def is_ours(case: Case, name: str) -> bool:
    return name.startswith(OURS) if isinstance(case, Memory) else name == case.ours.name


def ratios(result: Result, found: Figures) -> list[dict[str, object]]:
    """Each of ours over each of the others, in all that was measured of both."""
    case = result.case
    ours = [name for name in found if is_ours(case, name)]
    others = [name for name in found if name not in ours]
    documents: list[dict[str, object]] = []
    for own, other in ((own, other) for other in others for own in ours):
        goal = goal_for(case.name, other)
        document: dict[str, object] = {"ours": own, "against": other}
        if goal is not None:
            document["goal"] = {"measure": goal.measure, "value": rounded(goal.value)}
        for measure in found[own].keys() & found[other].keys():
            ratio = found[own][measure].over(found[other][measure])
            document[measure] = ratio and spread_document(ratio)
        documents.append(dict(sorted(document.items())))
    return documents


def document(result: Result) -> dict[str, object]:
    """One case."""
    found = figures(result)
    return {
        "case": result.case.name,
        "title": result.case.title,
        "units": units(result.case),
        "limit": None if result.limit is None else rounded(result.limit),
        "missing": result.missing,
        "figures": {
            name: {measure: spread_document(spread) for measure, spread in by_measure.items()}
            for name, by_measure in found.items()
        },
        "ratios": ratios(result, found),
    }
