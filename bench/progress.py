"""Says on standard error how far the run is."""

import sys


class Progress:
    """One line that is rewritten on a terminal, plain lines elsewhere."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._terminal = sys.stderr.isatty()

    def step(self, what: str) -> None:
        """Announce the next step."""
        self._done += 1
        text = f"[{self._done}/{self._total}] {what}"
        if self._terminal:
            text = f"\r\033[K{text}"
        print(text, end="" if self._terminal else "\n", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Make room for other output."""
        if self._terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
