"""What was measured, and the ratios that follow from it."""

import statistics
from dataclasses import dataclass, field

from bench.cases import Case, Echo, Large, Page, Small

MEASURES = ("rate", "cpu", "p99")


@dataclass(frozen=True)
class Sample:
    """One repeat, in the units of its kind of case."""

    rate: float
    cpu: float
    p99: float | None = None


@dataclass(frozen=True)
class Spread:
    """The repeats of one figure."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def as_json(self) -> dict[str, object]:
        return {
            "median": self.median,
            "lowest": min(self.values),
            "highest": max(self.values),
            "values": self.values,
        }


@dataclass
class Result:
    """One case, by subject: samples, or the rise of memory in bytes and the threads, or the times
    of a disturbed server over those of the same one undisturbed."""

    case: Case
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    memory: dict[str, Spread] = field(default_factory=dict)
    threads: dict[str, Spread] = field(default_factory=dict)
    slowdown: dict[str, Spread] = field(default_factory=dict)
    reuse: dict[str, Spread] = field(default_factory=dict)
    # What load and upstream reach with nothing between them.
    limit: float | None = None

    def figure(self, subject: str, measure: str) -> Spread | None:
        """Return one figure of a subject; None where it does not exist."""
        values = [getattr(sample, measure) for sample in self.samples[subject]]
        return None if None in values else Spread(tuple(values))

    def ratio(self, other: str, measure: str) -> Spread | None:
        """Divide ours by another's, repeat by repeat: what disturbs one disturbs its neighbour."""
        assert isinstance(self.case, Small | Echo | Large | Page)
        ours, theirs = self.figure(self.case.ours.name, measure), self.figure(other, measure)
        if ours is None or theirs is None or 0 in theirs.values:
            return None
        return Spread(tuple(a / b for a, b in zip(ours.values, theirs.values, strict=True)))
