"""What came of it, as a table and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.soak.figures import MIB, Line, Rest, lines_of
from tests.soak.verdict import Verdict


@dataclass
class Outcome:
    """A soak that is over, or was ended."""

    way: str
    seconds: float
    verdict: Verdict
    rests: list[Rest]
    tracebacks: dict[str, int]

    def lines(self) -> list[Line]:
        return lines_of(self.rests)

    def is_good(self) -> bool:
        is_flat = all(line.is_flat for line in self.lines())
        return is_flat and not self.verdict.wrong and not self.tracebacks

    def as_json(self) -> dict[str, object]:
        return {
            "way": self.way,
            "seconds": round(self.seconds, 1),
            "requests": self.verdict.requests,
            "rate": round(self.verdict.requests / max(self.seconds, 1), 1),
            "done": dict(self.verdict.done),
            "faults": dict(self.verdict.faults),
            "wrong": dict(self.verdict.wrong),
            "words": self.verdict.words,
            "tracebacks": self.tracebacks,
            "lines": [asdict(line) for line in self.lines()],
            "rests": [asdict(rest) for rest in self.rests],
            "good": self.is_good(),
        }


def _amount(name: str, value: float) -> str:
    return f"{value / MIB:.1f} MiB" if name == "memory" else f"{value:.1f}".removesuffix(".0")


def _slope(line: Line) -> str:
    if line.name == "memory":
        return f"{line.slope / 1024:+.1f} KiB"
    return "" if line.name.startswith("wake-ups") else f"{line.slope:+.3f}"


def table_of(lines: list[Line]) -> list[str]:
    rows = [("process", "what", "first rest", "last rest", "a 1000 requests", "may rise by", "")]
    rows += [
        (
            line.role,
            line.name,
            _amount(line.name, line.first),
            _amount(line.name, line.last),
            _slope(line),
            "" if line.name.startswith("wake-ups") else _amount(line.name, line.most),
            "flat" if line.is_flat else "RISES",
        )
        for line in lines
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in rows]


def _counts(title: str, counts: dict[str, int]) -> str:
    told = ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items()))
    return f"{title:<16} {told or 'none'}"


def text_of(outcome: Outcome) -> str:
    verdict = outcome.verdict
    rate = verdict.requests / max(outcome.seconds, 1)
    lines = [
        f"soak of {outcome.way}: {outcome.seconds:.0f} s under load, "
        f"{verdict.requests:,} requests, {rate:.0f}/s",
        _counts("answered", verdict.done),
        _counts("faults put in", verdict.faults),
        _counts("wrong", verdict.wrong),
        _counts("tracebacks", outcome.tracebacks),
        *verdict.words,
        "",
        *table_of(outcome.lines()),
        "",
        "nothing wrong" if outcome.is_good() else "FAILED",
    ]
    return "\n".join(line.rstrip() for line in lines)


def write_json(outcome: Outcome, path: Path) -> None:
    path.write_text(json.dumps(outcome.as_json(), indent=1) + "\n")
