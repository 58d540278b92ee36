"""A frontend that has a page, takes an upload and speaks WebSocket, and a client of each."""

from __future__ import annotations

import base64
import hashlib
import itertools

from tests.harness.http_requests import RequestReader
from tests.harness.raw_client import RawClient
from tests.harness.scripted_upstream import Connection

ACCEPT_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY = base64.b64encode(b"a client's nonce").decode()
MASK = b"mask"
WORDS = b"as it came"
PAGE = b"<!doctype html><title>The frontend's page</title>" * 40
BODY = bytes(range(256)) * 12_000


def digest(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode()


def accept_of(key: str) -> str:
    hashed = hashlib.sha1((key + ACCEPT_GUID).encode(), usedforsecurity=False).digest()
    return base64.b64encode(hashed).decode()


def masked(payload: bytes, mask: bytes = MASK) -> bytes:
    """Masked, or unmasked again."""
    return bytes(byte ^ key for byte, key in zip(payload, itertools.cycle(mask), strict=False))


def echo(connection: Connection, key: str) -> None:
    """Accepts, and says a short message back."""
    connection.send(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + accept_of(key).encode() + b"\r\n\r\n"
    )
    frame = b""
    while len(frame) < 6 or len(frame) < 6 + (frame[1] & 0x7F):
        piece = connection.receive()
        if not piece:
            return
        frame += piece
    length = frame[1] & 0x7F
    connection.send(bytes([0x81, length]) + masked(frame[6 : 6 + length], frame[2:6]))
    connection.receive_to_end()


def frontend(connection: Connection) -> None:
    """The script."""
    reader = RequestReader(connection)
    while True:
        request = reader.whole()
        if key := request.get("Sec-WebSocket-Key"):
            echo(connection, key)
            return
        body = digest(request.body) if request.method == "POST" else PAGE
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def is_page(client: RawClient) -> bool:
    client.send(b"GET /a/page HTTP/1.1\r\nHost: localhost\r\n\r\n")
    answer = client.read_answer()
    return (answer.status, answer.body) == (200, PAGE)


def is_uploaded(client: RawClient) -> bool:
    client.send(b"POST /up HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(BODY))
    client.send(BODY)
    answer = client.read_answer()
    return (answer.status, answer.body) == (200, digest(BODY))


def is_echoed(client: RawClient) -> bool:
    client.send(
        b"GET /socket HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY.encode() + b"\r\n\r\n"
    )
    head = client.read_head()
    if head.status != 101 or head.get("Sec-WebSocket-Accept") != accept_of(KEY):
        return False
    client.send(bytes([0x81, 0x80 | len(WORDS)]) + MASK + masked(WORDS))
    return client.read_exactly(2 + len(WORDS)) == bytes([0x81, len(WORDS)]) + WORDS
