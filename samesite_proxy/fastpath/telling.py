"""Lines for the terminal, from work that goes on without it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable


def tell(write_line: Callable[[str], object], words: str) -> None:
    """What its encoding lacks, such as Vite's arrows, is written as a number."""
    with contextlib.suppress(OSError, ValueError):  # Nobody reads it any more.
        try:
            write_line(words)
        except UnicodeEncodeError as error:
            write_line(words.encode(error.encoding, "backslashreplace").decode(error.encoding))
