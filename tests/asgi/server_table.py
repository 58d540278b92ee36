"""What each ASGI server adds, changes, loses or cannot do: one table, read by tests and docs."""

from __future__ import annotations

from dataclasses import dataclass, field


def column(doc: str) -> str:
    """A column of the table, with its heading for the docs."""
    value: str = field(metadata={"doc": doc})
    return value


@dataclass(frozen=True)
class Server:
    """One server's row. A value is a word that a test understands."""

    # Answers.
    adds: frozenset[str] = field(metadata={"doc": "fields it adds to an answer"})
    status: str = column("an answer's status from 600 to 999: kept, or 502")
    order: str = column("order of the answer's fields: kept, or grouped by name")
    names: str = column("spelling of the answer's field names: kept, lower or capitalised")
    # Requests.
    address: str = column("the host of a whole address as the target: counts, or Host does")
    cookies: str = column("repeated Cookie fields: kept apart, or what joins them")
    underscore: str = column("a request field with an underscore in its name: dropped or kept")
    request_stream: str = column("a request body reaches the frontend: as it comes, or whole")
    answer_stream: str = column(
        "an answer's head reaches the client: at once, or together with the first byte"
    )
    # Breaks.
    broken_answer: str = column("the frontend breaks off: broken, or the client waits on")
    # WebSockets.
    refusal: str = column("a refused WebSocket: with status, fields and body, or a plain 403")
    accept_fields: str = column("fields of the frontend's 101, as Set-Cookie: kept or dropped")
    codes_to_browser: str = column("close codes from the frontend: every, or 1000 and 3000 to 4999")
    reason_to_browser: str = column("close reasons from the frontend: kept or dropped")
    codes_to_frontend: str = column("close codes from the browser: every, every but 1014, or none")
    reason_to_frontend: str = column("close reasons from the browser: kept or dropped")
    left_handshake: str = column(
        "the browser leaves during the handshake: noticed at once, or at the frontend's answer"
    )
    vanished: str = column("the close code that a browser sees where the frontend vanished")
    empty_message: str = column("an empty message from the frontend: kept or dropped")
    largest_message: str = column("largest message from the browser, unless configured")
    back_pressure: str = column(
        "a peer that does not read: holds the other back, or is buffered for"
    )


UVICORN = Server(
    adds=frozenset({"date", "server", "transfer-encoding"}),
    status="502",
    order="kept",
    names="lower",
    address="Host",
    cookies="kept",
    underscore="kept",
    request_stream="as it comes",
    answer_stream="at once",
    broken_answer="broken",
    refusal="kept",
    accept_fields="kept",
    codes_to_browser="every",
    reason_to_browser="kept",
    codes_to_frontend="every",
    reason_to_frontend="kept",
    left_handshake="at once",
    vanished="1011",
    empty_message="kept",
    largest_message="16 MiB",
    back_pressure="holds back",
)

DAPHNE = Server(
    adds=frozenset({"date", "server", "transfer-encoding"}),
    status="kept",
    order="grouped",
    names="capitalised",
    address="counts",
    cookies="kept",
    underscore="dropped",
    request_stream="whole",
    answer_stream="at once",
    broken_answer="waits on",
    refusal="403",
    accept_fields="dropped",
    codes_to_browser="1000 and 3000 to 4999",
    reason_to_browser="dropped",
    codes_to_frontend="every but 1014",
    reason_to_frontend="dropped",
    left_handshake="at once",
    vanished="1000",
    empty_message="dropped",
    largest_message="1 MiB",
    back_pressure="buffers",
)

HYPERCORN = Server(
    adds=frozenset({"date", "server", "transfer-encoding"}),
    status="kept",
    order="kept",
    names="kept",
    address="counts",
    cookies="kept",
    underscore="kept",
    request_stream="as it comes",
    answer_stream="at once",
    broken_answer="broken",
    refusal="kept",
    accept_fields="kept",
    codes_to_browser="every",
    reason_to_browser="kept",
    codes_to_frontend="none",
    reason_to_frontend="dropped",
    left_handshake="at once",
    vanished="1011",
    empty_message="kept",
    largest_message="16 MiB",
    back_pressure="holds back",
)

GRANIAN = Server(
    adds=frozenset({"date", "server", "transfer-encoding"}),
    status="kept",
    order="grouped",
    names="lower",
    address="Host",
    cookies="kept",
    underscore="kept",
    request_stream="as it comes",
    answer_stream="at once",
    broken_answer="broken",
    refusal="kept",
    accept_fields="dropped",
    codes_to_browser="every",
    reason_to_browser="kept",
    codes_to_frontend="every but 1014",
    reason_to_frontend="dropped",
    left_handshake="at the answer",
    vanished="1011",
    empty_message="kept",
    largest_message="64 MiB",
    back_pressure="holds back",
)

GUNICORN = Server(
    adds=frozenset({"date", "server", "transfer-encoding"}),
    status="kept",
    order="kept",
    names="kept",
    address="counts",
    cookies="kept",
    underscore="dropped",
    request_stream="as it comes",
    answer_stream="with the first byte",
    broken_answer="broken",
    refusal="403",
    accept_fields="kept",
    codes_to_browser="every",
    reason_to_browser="kept",
    codes_to_frontend="every",
    reason_to_frontend="dropped",
    left_handshake="at once",
    vanished="1011",
    empty_message="kept",
    largest_message="16 MiB",
    back_pressure="holds back",
)

TABLE = {
    "uvicorn": UVICORN,
    "daphne": DAPHNE,
    "hypercorn": HYPERCORN,
    "granian": GRANIAN,
    "gunicorn": GUNICORN,
}


def row_of(kind: str) -> Server:
    """The row of a kind of server such as "uvicorn front"."""
    return TABLE[kind.split()[0].partition("-")[0]]
