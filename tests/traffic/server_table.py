"""What each WSGI server adds, changes, loses or cannot do: one table, read by tests and docs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace


def column(doc: str) -> str:
    """A column of the table, with its heading for the docs."""
    value: str = field(metadata={"doc": doc})
    return value


@dataclass(frozen=True)
class Server:
    """One server's row. A value is a word that a test understands."""

    # Answers.
    adds: frozenset[str] = field(metadata={"doc": "fields it adds to an answer"})
    replaces: frozenset[str] = field(metadata={"doc": "fields it puts in place of the frontend's"})
    order: str = column("order of the answer's fields: kept, grouped by name, or sorted")
    names: str = column("spelling of the answer's field names: kept, lower or capitalised")
    reason: str = column("reason phrase: kept, or its own")
    answer_bytes: str = column("bytes above 127 in answer fields: kept, or as UTF-8")
    control: str = column("a control character in an answer's field or reason: kept, or a space")
    length_of_304: str = column("Content-Length of a 304: kept, dropped, or zero added")
    no_length: str = column("an answer without a length: chunked, or until the connection closes")
    # Requests.
    target: str = column("request target: raw, or quoted again from the decoded path")
    address: str = column("the host of a whole address as the target: counts, or Host does")
    repeated: str = column("repeated request fields: kept apart, or what joins them")
    cookies: str = column("repeated Cookie fields: kept apart, or what joins them")
    request_bytes: str = column("bytes above 127 in request fields: kept, or field emptied")
    underscore: str = column(
        "an underscore in a request field's name: kept, as a hyphen, or field dropped"
    )
    scheme: str = column("a loopback peer's X-Forwarded-Proto: ignored, or believed by the server")
    invented_type: str = column("Content-Type of a request body that has none")
    chunked_request: str = column("a chunked request body: streamed, spooled first, or refused")
    # Streams and breaks.
    request_stream: str = column(
        "a request body reaches the frontend: as it comes, in large pieces, or whole"
    )
    interim: str = column("an interim answer (103): crosses, or is passed over")
    answer_stream: str = column(
        "an answer reaches the client: as it comes, or its head together with the first byte"
    )
    event_stream: str = column(
        "an event stream: as any other answer, or ended by the connection's end"
    )
    broken_answer: str = column(
        "the frontend breaks off: broken for the client, or a chunked answer seems whole"
    )
    broken_request: str = column(
        "the client breaks off its body: refused, or a chunked one seems whole"
    )
    client_leaves: str = column("the client leaves: noticed at once, or at the next write")


RUNSERVER = Server(
    adds=frozenset({"date", "server", "connection", "content-length"}),
    replaces=frozenset(),
    order="kept",
    names="kept",
    reason="kept",
    answer_bytes="kept",
    control="a space",
    length_of_304="zero added",
    no_length="close",
    target="raw",
    address="counts",
    repeated=",",
    cookies=",",
    request_bytes="kept",
    underscore="dropped",
    scheme="ignored",
    invented_type="text/plain",
    chunked_request="refused",
    request_stream="as it comes",
    interim="passed over",
    answer_stream="as it comes",
    event_stream="the connection's end",
    broken_answer="broken",
    broken_request="refused",
    client_leaves="at once",
)

# django-extensions' runserver_plus: Werkzeug's development server.
RUNSERVER_PLUS = replace(
    RUNSERVER,
    adds=frozenset({"date", "server", "connection", "transfer-encoding"}),
    replaces=frozenset({"date", "server"}),
    length_of_304="kept",
    no_length="chunked",
    invented_type="",
    chunked_request="streamed",
)

# What a frontend answers; Django's own requests are as with runserver.
FASTPATH = Server(
    adds=frozenset({"connection", "transfer-encoding"}),
    replaces=frozenset(),
    order="kept",
    names="kept",
    reason="kept",
    answer_bytes="kept",
    control="kept",
    length_of_304="kept",
    no_length="chunked",
    target="raw",
    address="counts",
    repeated="kept apart",
    cookies="kept apart",
    request_bytes="kept",
    underscore="kept",
    scheme="ignored",
    invented_type="",
    chunked_request="streamed",
    request_stream="as it comes",
    interim="crosses",
    answer_stream="as it comes",
    event_stream="as any other",
    broken_answer="broken",
    broken_request="refused",
    client_leaves="at once",
)

GUNICORN = Server(
    adds=frozenset({"date", "server", "connection", "transfer-encoding"}),
    replaces=frozenset({"date", "server"}),
    order="kept",
    names="kept",
    reason="kept",
    answer_bytes="kept",
    control="a space",
    length_of_304="kept",
    no_length="chunked",
    target="raw",
    address="counts",
    repeated=",",
    cookies=",",
    request_bytes="kept",
    underscore="dropped",
    scheme="believed",
    invented_type="",
    chunked_request="streamed",
    request_stream="as it comes",
    interim="passed over",
    answer_stream="as it comes",
    event_stream="the connection's end",
    broken_answer="broken",
    broken_request="refused",
    client_leaves="at once",
)

WAITRESS = Server(
    adds=frozenset({"date", "server", "connection", "transfer-encoding", "via"}),
    replaces=frozenset(),
    order="sorted",
    names="capitalised",
    reason="kept",
    answer_bytes="kept",
    control="a space",
    length_of_304="dropped",
    no_length="chunked",
    target="raw",
    address="counts",
    repeated=", ",
    cookies=", ",
    request_bytes="kept",
    underscore="dropped",
    scheme="ignored",
    invented_type="",
    chunked_request="spooled",
    request_stream="whole",
    interim="passed over",
    answer_stream="head with the first byte",
    event_stream="as any other",
    broken_answer="broken",
    broken_request="refused",
    client_leaves="next write",
)

GRANIAN = Server(
    adds=frozenset({"date", "server", "transfer-encoding"}),
    replaces=frozenset(),
    order="grouped",
    names="lower",
    reason="own",
    answer_bytes="utf-8",
    control="a space",
    length_of_304="kept",
    no_length="chunked",
    target="quoted",
    address="Host",
    repeated=",",
    cookies=";",
    request_bytes="emptied",
    underscore="as a hyphen",
    scheme="ignored",
    invented_type="",
    chunked_request="streamed",
    request_stream="in pieces of 256 KiB",
    interim="passed over",
    answer_stream="as it comes",
    event_stream="as any other",
    broken_answer="chunked seems whole",
    broken_request="chunked seems whole",
    client_leaves="next write",
)

TABLE = {
    "runserver": RUNSERVER,
    "fastpath": FASTPATH,
    "runserver_plus": RUNSERVER_PLUS,
    "sync": GUNICORN,
    "gthread": GUNICORN,
    "waitress": WAITRESS,
    "granian": GRANIAN,
}
