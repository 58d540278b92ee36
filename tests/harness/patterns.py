"""Long bodies that show every lost, doubled or misplaced byte, without being held in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

PIECE = 65536
_NOISE = bytes((index * 167 + (index >> 8) * 59) & 255 for index in range(PIECE - 8))


def pattern(length: int) -> Iterator[bytes]:
    """`length` bytes in pieces; each piece begins with its number."""
    for number in range(-(-length // PIECE)):
        piece = number.to_bytes(8, "big") + _NOISE
        yield piece[: length - number * PIECE]


def digest(pieces: Iterable[bytes]) -> tuple[int, str]:
    """The length and the hash of what came."""
    length = 0
    hashed = hashlib.sha1(usedforsecurity=False)
    for piece in pieces:
        length += len(piece)
        hashed.update(piece)
    return length, hashed.hexdigest()
