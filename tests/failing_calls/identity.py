"""Bodies that tell whose they are, and from where in them a piece is; frames of WebSockets."""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Callable

BLOCK = 1024
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE = 0x1, 0x8


def body(name: str, size: int) -> bytes:
    """So many bytes in the name of one request."""
    count = -(-size // BLOCK)
    blocks = (f"{name} {number:08x} ".encode().ljust(BLOCK, b".") for number in range(count))
    return b"".join(blocks)[:size]


def digest(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def accepted(key: str) -> str:
    """What a server says to the key of a WebSocket's client."""
    return base64.b64encode(bytes.fromhex(digest((key + GUID).encode()))).decode()


def frame(opcode: int, payload: bytes, mask: bytes = b"") -> bytes:
    """A whole message; with a mask, a client's."""
    marked = 0x80 if mask else 0
    if len(payload) < 126:
        head = bytes([0x80 | opcode, marked | len(payload)])
    else:
        head = bytes([0x80 | opcode, marked | 126]) + struct.pack("!H", len(payload))
    return head + mask + (masked(payload, mask) if mask else payload)


def masked(payload: bytes, mask: bytes) -> bytes:
    whole = mask * (len(payload) // 4 + 1)
    number = int.from_bytes(payload, "big") ^ int.from_bytes(whole[: len(payload)], "big")
    return number.to_bytes(len(payload), "big")


def message(read: Callable[[int], bytes]) -> tuple[int, bytes]:
    """The next one, put together from its frames."""
    opcode, data, is_last = 0, b"", False
    while not is_last:
        first, second = read(2)
        is_last = bool(first & 0x80)
        opcode = first & 0xF or opcode
        length = second & 0x7F
        if length > 125:
            length = int.from_bytes(read(2 if length == 126 else 8), "big")
        mask = read(4) if second & 0x80 else b""
        data += masked(read(length), mask) if mask else read(length)
    return opcode, data
