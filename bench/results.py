"""What was measured, and the ratios that follow from it."""

import statistics
from dataclasses import dataclass, field

from bench.kinds import Case, Echo, Large, Page, Small

MEASURES = ("rate", "cpu", "p99", "p999")


@dataclass(frozen=True)
class Sample:
    """One repeat, in the units of its kind of case."""

    rate: float
    cpu: float
    p99: float | None = None
    p999: float | None = None
    # To the upstream, for 1000 requests; None where it is asked for nothing.
    connections: float | None = None
    requests: int = 0


@dataclass(frozen=True)
class Spread:
    """The repeats of one figure."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def over(self, other: "Spread") -> "Spread | None":
        """Divide repeat by repeat: what disturbs one disturbs its neighbour."""
        if any(value <= 0 for value in other.values):
            return None
        return Spread(tuple(a / b for a, b in zip(self.values, other.values, strict=True)))


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
    # CPU per request by the number of open streams.
    streams: dict[str, dict[int, Spread]] = field(default_factory=dict)
    # What was not measured, and why.
    missing: dict[str, str] = field(default_factory=dict)
    # What load and upstream reach with nothing between them.
    limit: float | None = None

    def figure(self, subject: str, measure: str) -> Spread | None:
        """Return one figure of a subject; None where it does not exist."""
        values = [getattr(sample, measure) for sample in self.samples[subject]]
        return None if None in values else Spread(tuple(values))

    def ratio(self, other: str, measure: str) -> Spread | None:
        """Divide ours by another's."""
        assert isinstance(self.case, Small | Echo | Large | Page)
        ours, theirs = self.figure(self.case.ours.name, measure), self.figure(other, measure)
        return None if ours is None or theirs is None else ours.over(theirs)
