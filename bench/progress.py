"""Says on standard error how far the run is."""

import sys
import time


class Progress:
    """One line that is rewritten on a terminal, plain lines elsewhere."""

    def __init__(self, steps: list[int]) -> None:
        self._steps = steps  # of each case
        self._case = 0
        self._done = 0
        self._started = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def begin(self, case: int) -> None:
        """Count from the case of that number, the first is 1, whatever became of those before."""
        self._case = case
        self._done = sum(self._steps[: case - 1])

    def step(self, what: str) -> None:
        """Announce the next step."""
        self._done += 1
        minutes, seconds = divmod(int(time.monotonic() - self._started), 60)
        share = 100 * (self._done - 1) // sum(self._steps)
        self.say(f"[{self._case}/{len(self._steps)}, {share} %, {minutes}:{seconds:02}] {what}")

    def say(self, text: str) -> None:
        if self._terminal:
            text = f"\r\033[K{text}"
        print(text, end="" if self._terminal else "\n", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Make room for other output."""
        if self._terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
