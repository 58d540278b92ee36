"""Which figures are drawn, and how they are named."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench.published import svg
from bench.published.store import Document
from bench.table import number

STREAMS = "fastpath-streams"
SMALL = ("fastpath-1kb-1", "fastpath-1kb-32", "fastpath-1kb-128")
LARGE = ("fastpath-100mb", "fastpath-100mb-up", "fastpath-100mb-tls")
SERVERS = ("gthread-32-1k", "wrapped-32-1k", "uvicorn-32-1k")
IDLE = ("fastpath-idle-clients", "fastpath-idle-tunnels")


@dataclass(frozen=True)
class Bars:
    """One measure of some cases; some are told better by their inverse."""

    title: str
    cases: tuple[str, ...]
    measures: tuple[str, ...]
    unit: str
    inverse: bool = False


BARS: Mapping[str, Bars] = {
    "requests": Bars("The fast path, 1 KB: requests/s, more is better", SMALL, ("rate",), "/s"),
    "cpu": Bars("The fast path, 1 KB: CPU per request, less is better", SMALL, ("cpu",), " µs"),
    "slowest": Bars(
        "The fast path, 1 KB: p99 and p99.9, less is better", SMALL[1:], ("p99", "p999"), " ms"
    ),
    "large": Bars("The fast path, 100 MB: MB/s, more is better", LARGE, ("rate",), " MB/s"),
    "large-cpu": Bars("The fast path, 100 MB: CPU, less is better", LARGE, ("cpu",), " s/GB"),
    "page": Bars(
        "A page of 1000 modules in Chromium: seconds, less is better",
        ("fastpath-page",),
        ("rate",),
        " s",
        inverse=True,
    ),
    "memory": Bars("Memory of a connection at rest, less is better", IDLE, ("memory",), " kB"),
    "servers": Bars(
        "Under Python's servers, 1 KB: requests/s, more is better", SERVERS, ("rate",), "/s"
    ),
}


def bar(label: str, spread: Document, unit: str, inverse: bool, is_ours: bool) -> svg.Bar:
    values: list[float] = [spread[name] for name in ("median", "lowest", "highest")]
    if inverse:
        median, highest, lowest = (1 / value for value in values)
    else:
        median, lowest, highest = values
    return svg.Bar(label, median, lowest, highest, f"{number(median)}{unit}", is_ours)


def groups(plot: Bars, cases: Mapping[str, Document]) -> Iterator[svg.Group]:
    """One for each case and measure that there is."""
    for case in (cases[name] for name in plot.cases if name in cases):
        for measure in plot.measures:
            bars = [
                bar(name, figures[measure], plot.unit, plot.inverse, name.startswith("ours"))
                for name, figures in case["figures"].items()
                if measure in figures
            ]
            if bars:
                what = {"p99": ": p99", "p999": ": p99.9"}.get(measure, "")
                yield svg.Group(f"{case['title']}{what}", bars)


def streams(case: Document) -> str:
    """CPU over the number of open streams."""
    lines = [
        svg.Line(
            name,
            [(float(m.split()[1]), s["median"]) for m, s in figures.items()],
            name.startswith("ours"),
        )
        for name, figures in case["figures"].items()
    ]
    return svg.lines("CPU per small request, µs, beside open event streams", "open", lines)


def drawn(document: Document) -> dict[str, str]:
    """Each plot that there are figures for, by the name of its file."""
    cases = {case["case"]: case for case in document["cases"]}
    found: dict[str, str] = {}
    for name, plot in BARS.items():
        of_plot = list(groups(plot, cases))
        if of_plot:
            found[f"{name}.svg"] = svg.bars(plot.title, of_plot)
    if STREAMS in cases:
        found["streams.svg"] = streams(cases[STREAMS])
    return found


def title_of(file: str) -> str:
    name = file.removesuffix(".svg")
    return BARS[name].title if name in BARS else "CPU per small request beside open event streams"
