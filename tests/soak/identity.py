"""What is asked and answered, derived from a number that each request has for itself.

Both sides know it: the client what has to come, the frontend and Django's views what to say.
"""

from __future__ import annotations

import hashlib

# Who a request is asked for; each has a session of his own.
USERS = ("alice", "bob")
FRONTEND = "frontend"
DJANGO = "Django"

# What an event stream's events are apart, in seconds.
EVENTS_APART = 0.1


def checksum(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def answer_to(number: int, side: str, received: str, size: int) -> bytes:
    """No two pieces of it are alike, so that none is missing, doubled or moved unseen."""
    return hashlib.shake_128(f"{side} {number} {received}".encode()).digest(size)


def upload_of(number: int, size: int) -> bytes:
    return answer_to(number, "client", "", size)


def event_of(number: int, index: int) -> bytes:
    return f"id: {index}\ndata: {number} {checksum(b'%d %d' % (number, index))}\n\n".encode()


def message_of(number: int, index: int, size: int) -> bytes:
    """A message of a WebSocket's, whose answer is `reply_to` it."""
    return b"%d %d " % (number, index) + answer_to(number, str(index), "", size)


def reply_to(number: int, index: int, message: bytes) -> bytes:
    size = len(message) // 2
    return b"%d %d " % (number, index) + answer_to(number, "reply", checksum(message), size)


def seen_by(user: str, number: int) -> str:
    """A cookie that says whose answer this is."""
    return f"{user}-{number}"
