"""Prints the results: one table for people, one document for machines."""

from collections.abc import Iterable, Mapping

from bench.cases import Compared, Crowd, Large, Memory, goal_for
from bench.load import MB
from bench.results import MEASURES, Result, Spread

COLUMNS = (20, 21, 21, 21, 7, 5)


def line(*cells: str) -> str:
    """Pad the cells to the columns."""
    padded = (f"{cell:<{width}}" for cell, width in zip(cells, COLUMNS, strict=False))
    return " ".join(padded).rstrip()


def number(value: float) -> str:
    """Write about three digits."""
    digits = 3 if value < 0.1 else 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f}"


def spread_text(spread: Spread | None) -> str:
    """Write the median and, in brackets, the lowest and highest."""
    if spread is None:
        return "-"
    low, high = number(min(spread.values)), number(max(spread.values))
    return f"{number(spread.median)} ({low} to {high})"


def own_figures(result: Result, case: Compared) -> str:
    """Write our absolute figures, which hold for this machine only."""
    rate, cpu, p99 = (result.figure(case.ours.name, measure) for measure in MEASURES)
    assert rate is not None
    assert cpu is not None
    if isinstance(case, Large):
        text = f"ours {rate.median:.0f} MB/s, {cpu.median:.2f} CPU s/GB"
        return f"{text}; with no proxy {result.limit:.0f} MB/s"
    assert p99 is not None
    text = f"ours {rate.median:.0f}/s, {cpu.median:.0f} µs CPU, p99 {p99.median:.1f} ms"
    return f"{text}; with no proxy {result.limit:.0f}/s"


def ratio_lines(result: Result, case: Compared) -> Iterable[str]:
    """One line for each of the others."""
    yield f"{case.title}   ({own_figures(result, case)})"
    for other in case.others:
        ratios = {measure: result.ratio(other.name, measure) for measure in MEASURES}
        goal, rate = goal_for(case.name, other.name), ratios["rate"]
        cells = [f"  / {other.name}", *(spread_text(ratios[measure]) for measure in MEASURES)]
        if goal is not None and rate is not None:
            cells += [f"≥ {goal:.2f}", f"{rate.median:.2f}"]
        yield line(*cells)


def memory_lines(result: Result, case: Memory) -> Iterable[str]:
    """Memory is given as it is: a ratio to almost nothing would say nothing."""
    yield f"{case.title}: peak memory over that after 100 requests, MB"
    for name, rise in result.memory.items():
        yield line(f"  {name}", spread_text(Spread(tuple(value / MB for value in rise.values))))


def crowd_lines(result: Result, case: Crowd) -> Iterable[str]:
    """The one ratio that should be low."""
    assert result.crowd is not None
    yield f"{case.title}: median"
    goal, seen = f"≤ {case.at_most:.2f}", number(result.crowd.median)
    yield line("  / without them", spread_text(result.crowd), "", "", goal, seen)


def render(results: list[Result], machine: Mapping[str, str | int | bool]) -> str:
    """Write the whole table."""
    lines = [
        "Python {python}, Django {django}, {nginx}, {wrk}, {cpus} CPUs".format_map(machine),
        "Ratios, ours / the other's: median of the repeats (lowest to highest)",
    ]
    if not machine["comparable"]:
        lines.append("NOT COMPARABLE: fewer than two cores, so load and server share one.")
    lines += ["", line("", "requests/s, MB/s", "CPU per request/GB", "p99", "goal", "seen")]
    for result in results:
        lines.append("")
        if isinstance(result.case, Memory):
            lines.extend(memory_lines(result, result.case))
        elif isinstance(result.case, Crowd):
            lines.extend(crowd_lines(result, result.case))
        else:
            lines.extend(ratio_lines(result, result.case))
    return "\n".join(lines)


def ratio_documents(result: Result, case: Compared) -> Iterable[dict[str, object]]:
    """The ratios of one case."""
    for other in case.others:
        ratios = {measure: result.ratio(other.name, measure) for measure in MEASURES}
        yield {
            "against": other.name,
            "goal": goal_for(case.name, other.name),
            **{measure: ratio and ratio.as_json() for measure, ratio in ratios.items()},
        }


def document(result: Result) -> dict[str, object]:
    """One case for machines."""
    case = result.case
    if isinstance(case, Memory):
        memory = {name: rise.as_json() for name, rise in result.memory.items()}
        return {"case": case.name, "title": case.title, "peak_rise_bytes": memory}
    if isinstance(case, Crowd):
        ratio = result.crowd and result.crowd.as_json()
        return {"case": case.name, "title": case.title, "at_most": case.at_most, "ratio": ratio}
    large = isinstance(case, Large)
    figures = {
        subject: {measure: figure and figure.as_json() for measure, figure in measured}
        for subject in result.samples
        for measured in [[(name, result.figure(subject, name)) for name in MEASURES]]
    }
    return {
        "case": case.name,
        "title": case.title,
        "units": {
            "rate": "MB/s" if large else "requests/s",
            "cpu": "seconds/GB" if large else "microseconds/request",
            "p99": "milliseconds",
        },
        "limit": result.limit,
        "figures": figures,
        "ratios": list(ratio_documents(result, case)),
    }
