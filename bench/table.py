"""Prints the results as one table for people."""

from collections.abc import Iterable, Mapping

from bench.goals import goal_for
from bench.kinds import (
    Beside,
    Compared,
    Disturbed,
    Downloads,
    Idle,
    Large,
    Memory,
    Page,
    Streams,
)
from bench.load import MB
from bench.results import MEASURES, Result, Spread

COLUMNS = (34, 21, 21, 21, 21, 9, 5)


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
    figures = (result.figure(case.ours.name, measure) for measure in ("rate", "cpu", "p99"))
    rate, cpu, p99 = figures
    assert rate is not None
    assert cpu is not None
    if isinstance(case, Large):
        text = f"ours {rate.median:.0f} MB/s, {cpu.median:.2f} CPU s/GB"
        limit = result.limit
        return text if limit is None else f"{text}; with no proxy {limit:.0f} MB/s"
    if isinstance(case, Page):
        return f"ours {1 / rate.median:.2f} s, {cpu.median:.2f} CPU s"
    assert p99 is not None
    text = f"ours {rate.median:.0f}/s, {cpu.median:.0f} µs CPU, p99 {p99.median:.1f} ms"
    opened = result.figure(case.ours.name, "connections")
    if opened is not None:
        text += f", {opened.median:.1f} connections to the upstream for 1000"
    return f"{text}; with no proxy {result.limit:.0f}/s"


def label(result: Result, case: Compared, other: str) -> str:
    """Name one of the others; a page's time tells people more than its inverse."""
    figure = result.figure(other, "rate") if isinstance(case, Page) else None
    return f"  / {other}" if figure is None else f"  / {other} {1 / figure.median:.2f} s"


def ratio_lines(result: Result, case: Compared) -> Iterable[str]:
    """One line for each of the others."""
    yield f"{case.title}   ({own_figures(result, case)})"
    for other in case.others:
        ratios = {measure: result.ratio(other.name, measure) for measure in MEASURES}
        goal = goal_for(case.name, other.name)
        cells = [label(result, case, other.name)]
        cells += [spread_text(ratios[measure]) for measure in MEASURES]
        seen = ratios[goal.measure] if goal else None
        if seen is not None:
            cells += [str(goal), number(seen.median)]
        yield line(*cells)
    for name, why in result.missing.items():
        yield f"  / {name}   {why}"


def streams_lines(result: Result, case: Streams) -> Iterable[str]:
    yield f"{case.title}: CPU per request, µs"
    for name, costs in result.streams.items():
        each = (f"{count}: {number(cost.median)}" for count, cost in costs.items())
        yield f"  {name:<32} {'   '.join(each)}"


def memory_lines(result: Result, case: Memory | Downloads) -> Iterable[str]:
    """Memory is given as it is: a ratio to almost nothing would say nothing."""
    also = ", and threads" if isinstance(case, Downloads) else ""
    yield f"{case.title}: peak memory over that after 100 requests, MB{also}"
    for name, rise in result.memory.items():
        megabytes = Spread(tuple(value / MB for value in rise.values))
        cells = [f"  {name}", spread_text(megabytes)]
        if isinstance(case, Downloads):
            threads = result.threads[name]
            cells.append(spread_text(threads))
            if name == case.ours.name:
                limits = f"≤ {case.megabytes_at_most} MB, ≤ {case.threads_at_most} threads"
                cells += ["", "", limits]
        yield line(*cells)


def beside_lines(result: Result, case: Beside) -> Iterable[str]:
    """Both figures are of the same runs; the upstream counts what comes to it."""
    yield f"{case.title}: CPU per request with them over without, and reuse of connections, %"
    for name, slowdown in result.slowdown.items():
        reuse = Spread(tuple(share * 100 for share in result.reuse[name].values))
        goals = f"≤ {case.at_most:.2f}, ≥ {case.reuse_at_least * 100:.1f} %"
        seen = f"{number(slowdown.median)}, {reuse.median:.2f} %"
        yield line(f"  {name}", "", spread_text(slowdown), "", "", goals, seen)


def idle_lines(result: Result, case: Idle) -> Iterable[str]:
    yield f"{case.title}: memory of each, kB"
    for name, held in result.memory.items():
        kilobytes = Spread(tuple(value / 1024 for value in held.values))
        is_ours = name == case.ours.name
        goal = f"≤ {case.kilobytes_at_most} kB" if is_ours else ""
        seen = number(kilobytes.median) if is_ours else ""
        yield line(f"  {name}", spread_text(kilobytes), "", "", "", goal, seen)


def slowdown_lines(result: Result, case: Disturbed) -> Iterable[str]:
    """The one ratio that should be low, ours first."""
    yield f"{case.title}, with them over without"
    for name, slowdown in result.slowdown.items():
        goal = f"≤ {case.at_most:.2f}" if name == case.ours.name else ""
        seen = number(slowdown.median) if goal else ""
        yield line(f"  {name}", spread_text(slowdown), "", "", goal, seen)


def render(results: list[Result], machine: Mapping[str, str | int | bool]) -> str:
    """Write the whole table."""
    lines = [
        "Python {python}, Django {django}, {nginx}, HAProxy {haproxy}, Caddy {caddy},"
        " Vite {vite}, {wrk}, {cpus} CPUs".format_map(machine),
        "Ratios, ours / the other's: median of the repeats (lowest to highest)",
    ]
    if not machine["comparable"]:
        lines.append("NOT COMPARABLE: fewer than two cores, so load and server share one.")
    lines += [
        "",
        line("", "requests/s, MB/s", "CPU per request/GB", "p99", "p99.9", "goal", "seen"),
    ]
    for result in results:
        lines.append("")
        if isinstance(result.case, Memory | Downloads):
            lines.extend(memory_lines(result, result.case))
        elif isinstance(result.case, Beside):
            lines.extend(beside_lines(result, result.case))
        elif isinstance(result.case, Streams):
            lines.extend(streams_lines(result, result.case))
        elif isinstance(result.case, Idle):
            lines.extend(idle_lines(result, result.case))
        elif isinstance(result.case, Disturbed):
            lines.extend(slowdown_lines(result, result.case))
        else:
            lines.extend(ratio_lines(result, result.case))
    return "\n".join(lines)
