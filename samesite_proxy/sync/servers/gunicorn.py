"""gunicorn: its workers' time, and its parser of bodies."""

from __future__ import annotations

import errno
import signal
from collections.abc import Iterator
from typing import Any

from samesite_proxy.proxy.incoming import PIECE
from samesite_proxy.sync.exchange import Exchange

# gunicorn's sync worker is killed when it is silent for its timeout; the answer comes before.
RESERVE = 5.0


def response_timeout_limit() -> float | None:
    """Seconds in which a gunicorn sync worker must answer, or None under other servers."""
    worker = getattr(signal.getsignal(signal.SIGABRT), "__self__", None)
    if worker is None or type(worker).__module__ != "gunicorn.workers.sync":
        return None
    timeout: float = worker.cfg.timeout
    return max(1.0, timeout - RESERVE) if timeout else None


class _Unwanted(Exception):
    """The upstream does not want the rest of the body."""


def _lost_parser() -> Iterator[bytes]:
    """In place of a parser that was stopped: it closes the connection quietly."""
    yield b""
    raise ConnectionResetError(errno.ECONNRESET, "the rest of the body was not wanted")


def _chunks(reader: Any, exchange: Exchange) -> Iterator[bytes]:
    unreader = reader.req.unreader
    receive = unreader.chunk

    def receive_if_wanted(*hint: int) -> bytes:
        """gunicorn's parser would wait for the client's next chunk, whatever the upstream says."""
        if exchange.await_client() < 0:
            raise _Unwanted
        received: bytes = receive(*hint)
        return received

    unreader.chunk = receive_if_wanted
    try:
        # Not "yield from": it would end gunicorn's parser together with this generator, and
        # the rest of the body would be taken for the next request.
        for piece in reader.parser or ():  # noqa: UP028
            yield piece
        reader.parser = None
    except _Unwanted:
        reader.parser = _lost_parser()
        reader.req.force_close()  # The answer tells the client (RFC 9112, 9.6).
    finally:
        del unreader.chunk


def pieces(body: Any, exchange: Exchange) -> Iterator[bytes]:
    reader = body.reader
    if buffered := body.buf.tell():
        yield body.read(buffered)
    if hasattr(reader, "parser"):
        yield from _chunks(reader, exchange)
        return
    unreader = reader.unreader
    while reader.length:
        if buffered := unreader.buf.tell():
            yield reader.read(min(buffered, PIECE))
            continue
        there = exchange.await_client()
        if there < 0:
            return
        # Past gunicorn's own buffer, which costs a copy and, for each MiB, fresh memory.
        piece = unreader.sock.recv(min(there, PIECE, reader.length)) if there else b""
        if not piece:
            return
        reader.length -= len(piece)
        yield piece


def is_body(body: Any) -> bool:
    reader = getattr(body, "reader", None)
    return hasattr(body, "buf") and (
        hasattr(reader, "parser") or (hasattr(reader, "length") and hasattr(reader, "unreader"))
    )
