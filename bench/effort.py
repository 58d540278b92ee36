"""How long and how often is measured, and how long at most."""

from dataclasses import dataclass

from bench.kinds import (
    Beside,
    Burn,
    Case,
    Crowd,
    Downloads,
    Idle,
    Memory,
    Page,
    Streams,
)
from bench.load import MB

SLOW = 20 * MB
# Until all servers of a case answer.
STARTING = 60.0


@dataclass(frozen=True)
class Effort:
    """How long and how often."""

    repeats: int
    page_loads: int
    seconds: float
    warm_up_seconds: float
    slow_size: int

    def repeats_of(self, case: Case) -> int:
        return self.page_loads if isinstance(case, Page) else self.repeats

    def steps(self, case: Case) -> int:
        """Count the lines of progress that a case gives."""
        if isinstance(case, Crowd | Beside):
            return self.repeats
        if isinstance(case, Memory):
            return 1
        warm_up = 0 if isinstance(case, Burn | Downloads | Streams | Idle) else 1
        return warm_up + self.repeats_of(case) * (1 + len(case.others))

    def deadline(self, case: Case) -> float:
        """Seconds that a case may take: some four times what it does on two idle cores."""
        match case:
            case Memory():
                return STARTING + 4 * self.slow_size / SLOW
            case Streams():
                each = 60
            case Page() | Downloads() | Beside() | Idle():
                each = 30
            case _:
                each = 10
        return STARTING + each * self.steps(case)


FULL = Effort(repeats=5, page_loads=5, seconds=3, warm_up_seconds=1, slow_size=1024 * MB)
# What is published: less than half of an hour in all.
PUBLISHED = Effort(repeats=3, page_loads=3, seconds=2, warm_up_seconds=1, slow_size=1024 * MB)
QUICK = Effort(repeats=2, page_loads=2, seconds=1, warm_up_seconds=1, slow_size=100 * MB)
