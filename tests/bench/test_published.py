"""The published benchmark: its page hides nothing, and is what its figures make it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from bench import golang
from bench.cases import CASES, GO, SMALL_PEERS
from bench.document import document
from bench.kinds import Small, without_lacking
from bench.published import page, store
from bench.results import Result, Sample, Spread

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "benchmarks.md"
NAMES = [case.name for case in CASES]
BY_NAME = {case.name: case for case in CASES}
RUN = {"date": "2026-01-01", "commit": "abc", "load": 0.1, "repeats": 2, "seconds": 1}
MACHINE = {"system": "Linux", "cpus": 2, "comparable": True}
WORDS = {"rate": "rate", "cpu": "CPU", "p99": "p99", "p999": "p99.9", "memory": "memory"}
LARGEST_PLOT = 30_000


def sampled(name: str, **samples: list[Sample]) -> dict[str, Any]:
    result = Result(BY_NAME[name], samples=dict(samples), limit=9.0)
    return {**document(result), "run": RUN}


def of(*cases: dict[str, Any]) -> dict[str, Any]:
    return {"machine": MACHINE, "cases": list(cases)}


def lost_section(text: str) -> str:
    return text.partition("## Where we lose")[2].partition("### Goals")[0]


def worse(pair: dict[str, Any]) -> set[str]:
    """The measures in which a pair of the figures is worse, as far as two digits go."""
    return {
        word
        for measure, word in WORDS.items()
        if (ratio := pair.get(measure))
        and (ratio["median"] < 0.995 if measure == "rate" else ratio["median"] >= 1.01)
    }


@pytest.mark.parametrize(
    ("theirs", "lost"),
    [
        pytest.param([Sample(11, 10, 10), Sample(12, 10, 10)], "rate 0.87 (0.83 to 0.91) ▼"),
        pytest.param([Sample(10, 9, 10), Sample(10, 8, 10)], "CPU 1.18 (1.11 to 1.25) ▼"),
        pytest.param([Sample(10, 10, 5), Sample(10, 10, 12)], "p99 1.42 (0.83 to 2.00) ▽"),
        pytest.param([Sample(10, 0, 10), Sample(10, 0, 10)], "CPU 10.0 to 0.0 ▼"),
        pytest.param([Sample(10.01, 9.99, 10), Sample(10.01, 9.99, 10)], "", id="shown as 1.00"),
        pytest.param([Sample(9, 11, 11), Sample(9, 11, 11)], "", id="better"),
    ],
)
def test_what_is_worse_is_marked_and_listed(theirs: list[Sample], lost: str) -> None:
    ours = [Sample(10, 10, 10), Sample(10, 10, 10)]
    figures = sampled("fastpath-1kb-32", ours=ours, nginx=theirs)
    text = page.written(of(figures), "benchmarks", NAMES)
    rows = [line for line in lost_section(text).splitlines() if "`fastpath-1kb-32`" in line]
    assert [lost in row and " nginx " in row for row in rows] == ([True] if lost else [])
    signs = text.partition("## The fast path: small answers")[2].count(lost[-1:] or "▼")
    assert signs == bool(lost)


def test_more_connections_than_another_are_a_loss() -> None:
    ours, theirs = Sample(9, 9, 9, connections=2.04), Sample(9, 9, 9, connections=1.94)
    text = page.written(of(sampled("fastpath-1kb-1", ours=[ours], Caddy=[theirs])), "b", NAMES)
    assert "connections to the upstream for 1000 requests 2.0 to 1.9 ▼" in lost_section(text)


def test_each_of_ours_is_compared_where_there_are_several() -> None:
    held = {"ours": 2.0, "ours, sync": 4.0, "nginx": 3.0}
    result = Result(BY_NAME["slow-reader"])
    result.memory = {name: Spread((value * 2**20,)) for name, value in held.items()}
    text = page.written(of({**document(result), "run": RUN}), "benchmarks", NAMES)
    assert "| nginx (of ours, sync) | memory 1.33 (1.33 to 1.33) ▼ |" in lost_section(text)
    assert "| nginx | 3.00; 0.67 (0.67 to 0.67) / 1.33 (1.33 to 1.33) ▼ |" in text


def test_published_page_names_each_loss_of_its_figures() -> None:
    section = lost_section(PAGE.read_text()).splitlines()
    for case in store.load(PAGE)["cases"]:
        for pair in case["ratios"]:
            whose = "" if pair["ours"] == "ours" else f" (of {pair['ours']})"
            start = f"| {case['title']} (`{case['case']}`) | {pair['against']}{whose} | "
            row = "".join(line for line in section if line.startswith(start))
            named = row.removeprefix(start).split(", ")
            for word in worse(pair):
                assert any(part.startswith(f"{word} ") for part in named), (start, word)


def test_published_page_is_what_its_figures_make_it() -> None:
    kept = store.load(PAGE)
    assert PAGE.read_text() == page.written(kept, PAGE.stem, NAMES)
    plots = {path.name: path.read_text() for path in (DOCS / "benchmarks").iterdir()}
    assert plots == page.plots.drawn(kept)


def test_plots_are_small_and_for_both_themes() -> None:
    for path in (DOCS / "benchmarks").iterdir():
        text = path.read_text()
        assert ElementTree.fromstring(text).tag.endswith("svg")
        assert len(text) < LARGEST_PLOT
        assert "prefers-color-scheme:dark" in text


def test_loss_that_nobody_has_explained_says_so() -> None:
    figures = sampled("gthread-32-1k", ours=[Sample(1, 9)], **{"django-revproxy": [Sample(2, 8)]})
    row = "| django-revproxy | rate 0.50 (0.50 to 0.50) ▼, CPU 1.12 (1.12 to 1.12) ▼ | "
    assert f"{row}Not explained yet. |" in page.written(of(figures), "benchmarks", NAMES)


def test_what_was_not_measured_is_named() -> None:
    text = page.written(of(sampled("fastpath-1kb-1", ours=[Sample(1, 1)])), "benchmarks", NAMES)
    unmeasured = text.partition("## Not measured")[2]
    assert {name for name in NAMES if f"`{name}`" in unmeasured} == {*NAMES} - {"fastpath-1kb-1"}


def test_machine_without_go_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(golang, "USUAL", str(tmp_path))
    case, missing = without_lacking(BY_NAME["fastpath-1kb-1"])
    assert isinstance(case, Small)
    assert [other.name for other in case.others] == [name for name in SMALL_PEERS if name != GO]
    result = Result(case, samples={"ours": [Sample(1, 1)]}, missing=missing)
    text = page.written(of({**document(result), "run": RUN}), "benchmarks", NAMES)
    assert f"| {GO} | not measured: there is no Go compiler |" in text


def test_load_beside_the_run_stands_above_the_figures() -> None:
    case = sampled("fastpath-1kb-1", ours=[Sample(1, 1)])
    quiet = page.written(of(case), "benchmarks", NAMES)
    busy = page.written(of({**case, "run": {**RUN, "load": 3.2}}), "benchmarks", NAMES)
    assert "not quiet" not in quiet
    assert "**The machine was not quiet**: its load was 3.2 on 2 CPUs" in busy.partition("\n## ")[0]


def test_cases_measured_anew_replace_their_own_and_no_other(tmp_path: Path) -> None:
    file = tmp_path / "benchmarks.md"
    old = of(*(sampled(name, ours=[Sample(1, 1)]) for name in NAMES[:2] if "gthread" in name))
    new = sampled(NAMES[1], ours=[Sample(2, 2)])
    store.save(file, store.merged(old, MACHINE, [new], NAMES))
    assert store.load(file)["cases"] == json.loads(json.dumps([old["cases"][0], new]))
    with pytest.raises(store.OtherMachine, match=f"cpus changed since {NAMES[0]}"):
        store.refuse_other_machine(store.load(file), {**MACHINE, "cpus": 4}, {NAMES[1]})
    other = store.merged(store.load(file), {**MACHINE, "cpus": 4}, [new], NAMES)
    assert other["cases"] == [new]
