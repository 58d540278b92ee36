"""What is wrong, and what is explained by a fault that the soak itself has put in."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from tests.soak.journal import Journal

# So many are told in words; all are counted.
TOLD = 40
# How long after its restart the frontend's connections may still be found dead.
GRACE = 1.0


@dataclass
class Windows:
    """When something was down, or on its way up again."""

    begun: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)

    def begin(self) -> None:
        self.begun.append(time.monotonic())

    def end(self) -> None:
        self.ended.append(time.monotonic() + GRACE)

    def touch(self, since: float) -> bool:
        """Whether anything that began at `since` and ends now may have met one."""
        for index in range(len(self.begun) - 1, -1, -1):
            if index >= len(self.ended) or self.ended[index] >= since:
                return True
            if self.ended[index] < since:
                return False
        return False


class Verdict:
    """Counts what was done, and keeps what is wrong by its kind."""

    def __init__(self, journal: Journal) -> None:
        self.done: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.wrong: Counter[str] = Counter()
        self.words: list[str] = []
        self.restarts = Windows()
        self.saves = Windows()
        self._journal = journal
        self._numbers = 0
        self._repeatable: set[int] = set()
        self._whole: list[int] = []

    def next_number(self, *, is_repeatable: bool) -> int:
        self._numbers += 1
        if is_repeatable:
            self._repeatable.add(self._numbers)
        return self._numbers

    def fail(self, kind: str, words: str) -> None:
        self.wrong[kind] += 1
        if len(self.words) < TOLD:
            self.words.append(f"{time.strftime('%H:%M:%S')} {kind}: {words}")
            print(self.words[-1], flush=True)

    def is_answered(self, number: int) -> None:
        self._whole.append(number)

    def lose(
        self, what: str, number: int, since: float, words: str, *, is_djangos: bool = False
    ) -> None:
        """An answer is missing: of the frontend's restarts, or of nothing that we know."""
        if not is_djangos and self.restarts.touch(since):
            self.done["broken by a restart"] += 1
            return
        seconds = time.monotonic() - since
        saved = ", amid a save" if self.saves.touch(since) else ""
        self.fail("lost", f"{what} {number} after {seconds:.1f} s{saved}: {words}")

    def read_journal(self) -> None:
        """Who has been asked twice."""
        for number in self._journal.read():
            self.done["asked again"] += 1
            if number not in self._repeatable:
                self.fail("doubled", f"{number} was asked {self._journal.times(number)} times")

    def settle(self) -> None:
        """Between two loads, when nothing is under way."""
        self.read_journal()
        for number in self._whole:
            if self._journal.times(number) == 0:
                self.fail("wrong", f"{number} was answered, and nobody had been asked")
        self._whole.clear()
        self._repeatable.clear()

    def close(self) -> None:
        self._journal.close()

    @property
    def requests(self) -> int:
        return self._numbers
