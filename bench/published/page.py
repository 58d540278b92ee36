"""The page: every figure of the document, the marked ones twice."""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from string import Template

from bench.published import plots, verdicts
from bench.published.reasons import NOT_PROXIES
from bench.published.store import Document
from bench.table import number

TEMPLATE = Path(__file__).with_name("page.md.in")
# Of one CPU: the run's own has not begun.
QUIET_LOAD = 0.5

SECTIONS = {
    "The fast path: small answers": (
        "fastpath-1kb*",
        "fastpath-20kb*",
        "fastpath-close*",
        "fastpath-django",
    ),
    "The fast path: large bodies": ("fastpath-100mb*",),
    "The fast path: a page of 1000 modules": ("fastpath-page",),
    "Beside live connections, and beside a busy view": (
        "fastpath-streams",
        "fastpath-beside*",
        "fastpath-burn",
        "crowd-*",
    ),
    "Memory": ("fastpath-idle*", "fastpath-slow", "slow-reader"),
    "Under gunicorn, uvicorn and plain runserver": ("*",),
}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def column(case: Document, measure: str) -> str:
    unit = case["units"].get(measure)
    return f"{verdicts.name_of(measure)}, {unit}" if unit else verdicts.name_of(measure)


def cell(case: Document, name: str, measure: str) -> str:
    """A figure with its spread, and for each of ours the ratio to it."""
    spread = case["figures"][name].get(measure)
    if spread is None:
        return "-"
    pairs = [pair for pair in case["ratios"] if pair["against"] == name]
    shared = [pair for pair in pairs if measure in case["figures"][pair["ours"]]]
    if measure == "connections":
        signs = "".join(verdicts.verdict(case, pair, measure) for pair in shared)
        return f"{spread['median']:.1f} {signs}".rstrip()
    if not shared:
        return verdicts.spread_text(spread)
    compared = " / ".join(verdicts.comparison(case, pair, measure) for pair in shared)
    return f"{number(spread['median'])}; {compared}"


def case_text(case: Document) -> str:
    """One table: the subjects and all that was measured of them."""
    figures = case["figures"]
    measures = list(dict.fromkeys(name for each in figures.values() for name in each))
    rows = [[name, *(cell(case, name, measure) for measure in measures)] for name in figures]
    rows += [[name, why, *([""] * (len(measures) - 1))] for name, why in case["missing"].items()]
    limit = case["limit"]
    also = f"With no proxy: {number(limit)} {case['units']['rate']}.\n\n" if limit else ""
    head = ["", *(column(case, measure) for measure in measures)]
    return f"**{case['title']}** (`{case['case']}`)\n\n{also}{table(head, rows)}\n"


def section_of(name: str) -> str:
    return next(
        title
        for title, patterns in SECTIONS.items()
        if any(fnmatchcase(name, pattern) for pattern in patterns)
    )


def sections(document: Document) -> Iterator[str]:
    for title in SECTIONS:
        cases = [case for case in document["cases"] if section_of(case["case"]) == title]
        if cases:
            yield "\n".join([f"## {title}\n", *map(case_text, cases)])


def loss_table(losses: Sequence[verdicts.Loss]) -> str:
    rows = [
        [f"{loss.title} (`{loss.case}`)", pair_name(loss), ", ".join(loss.figures), loss.reason]
        for loss in losses
    ]
    return table(["", "against", "worse in", "why"], rows) if rows else "Nowhere in this run."


def pair_name(loss: verdicts.Loss) -> str:
    return loss.against if loss.ours == "ours" else f"{loss.against} (of {loss.ours})"


def losses_text(document: Document) -> str:
    found = list(verdicts.losses(document))
    proxies = [loss for loss in found if loss.against not in NOT_PROXIES]
    others = [loss for loss in found if loss.against in NOT_PROXIES]
    return (
        f"### To other servers\n\n{loss_table(proxies)}\n\n"
        f"### To no proxy at all\n\nThe upstream itself, a view that returns at once, and Django"
        f" without us: what a hop costs.\n\n{loss_table(others)}"
    )


def goals_text(document: Document) -> str:
    missed = list(verdicts.missed_goals(document))
    if not missed:
        return "### Goals\n\nNone of the ratios that we set ourselves as goals was missed."
    text = "### Goals\n\nWhat we want of a ratio, and did not reach in this run:\n\n"
    return text + table(["", "against", "goal", "seen"], missed)


def run_of(case: Document) -> tuple[str, ...]:
    run = case["run"]
    effort = f"{run['repeats']} of {run['seconds']} s"
    return str(run["date"]), str(run["commit"]), f"{run['load']:.2f}", effort


def runs_text(document: Document) -> str:
    """Each run once, with its cases where they are not all."""
    by_run: dict[tuple[str, ...], list[str]] = {}
    for case in document["cases"]:
        by_run.setdefault(run_of(case), []).append(case["case"])
    rows = [
        [*run, ", ".join(f"`{name}`" for name in names) if len(by_run) > 1 else "all below"]
        for run, names in by_run.items()
    ]
    return table(["date", "commit", "load before", "repeats", "cases"], rows)


def quiet_text(document: Document) -> str:
    load = max((case["run"]["load"] for case in document["cases"]), default=0.0)
    if load <= QUIET_LOAD:
        return "The machine had nothing else to do when the runs began."
    return (
        f"**The machine was not quiet**: its load was {load:.1f} on"
        f" {document['machine'].get('cpus')} CPUs when a run began. Take ratios with care, and"
        " absolute figures not at all."
    )


def machine_text(machine: Mapping[str, object]) -> str:
    rows = [[name, str(value)] for name, value in machine.items() if name != "comparable"]
    warning = "" if machine.get("comparable") else "\n\n**Load and server share one core.**"
    return table(["measured with", ""], rows) + warning


def plots_text(document: Document, folder: str) -> str:
    names = plots.drawn(document)
    return "\n\n".join(f"![{plots.title_of(name)}]({folder}/{name})" for name in names)


def written(document: Document, folder: str, known: Sequence[str]) -> str:
    """The page; its plots are in the folder, and `known` are the names of all cases."""
    measured = {case["case"] for case in document["cases"]}
    absent = [f"`{name}`" for name in known if name not in measured]
    text = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        quiet=quiet_text(document),
        runs=runs_text(document),
        machine=machine_text(document["machine"]),
        plots=plots_text(document, folder),
        losses=losses_text(document),
        goals=goals_text(document),
        sections="\n".join(sections(document)),
        unmeasured=f"## Not measured\n\n{', '.join(absent)}\n" if absent else "",
    )
    return text.rstrip("\n") + "\n"


def write(page: Path, document: Document, known: Sequence[str]) -> None:
    """Write the page and its plots; a plot that has no figures any more goes."""
    folder = page.with_suffix("")
    folder.mkdir(exist_ok=True)
    drawn = plots.drawn(document)
    for old in folder.glob("*.svg"):
        if old.name not in drawn:
            old.unlink()
    for name, text in drawn.items():
        (folder / name).write_text(text, encoding="utf-8")
    page.write_text(written(document, folder.name, known), encoding="utf-8")
