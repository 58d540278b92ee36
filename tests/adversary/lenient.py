"""What servers read otherwise than RFC 9112 has it, before anybody else hears of the request.

So that a second request of these is theirs, and is forwarded as one.
"""

from __future__ import annotations

# A blank before a colon ends the head for Python's http.server: what follows is thrown away.
HTTP_SERVER = {
    "length, twice and different",
    "length, empty",
    "length, blank before the colon",
    "length, tab before the colon",
    "lines, no colon",
}
# RFC 9112, 2.2 and 5.2 allow both to a server that stands alone.
BARE_LF = {"lines, a field with a second head"}
FOLDS = {"TE.CL, folded behind another"}
TRAILERS = {"chunks, a folded trailer", "chunks, a trailer with a blank before the colon"}
FOLDED_HOST = {"TE.CL, blank before the name", "TE.CL, tab before the name"}

READ_BY: dict[str, set[str]] = {
    "fastpath": set(),
    "gthread": set(),
    "uvicorn": set(),
    "runserver": HTTP_SERVER | BARE_LF,
    "granian": BARE_LF,
    "gunicorn": TRAILERS,
    # It decides by the chunks, and shows no one that there was a length, too.
    "waitress": {
        "CL.TE",
        "CL.TE, twice",
        "CL.TE, folded",
        "CL.TE, folded with a tab",
        "CL.TE, chunked twice in a list",
        "CL.TE, a comma and chunked",
        "CL.TE, chunked and a comma",
        "TE.CL, nothing",
        "chunks, a line end too many",
        *FOLDS,
        *TRAILERS,
    },
    # Refused by us, but it goes on with the connection whatever an application says.
    "daphne": {"TE.CL, identity"} | FOLDS | FOLDED_HOST | TRAILERS,
    "hypercorn": {"chunks, lf at the end", "chunks, a folded trailer"}
    | {"chunks, a trailer with a bare lf"}
    | BARE_LF
    | FOLDS
    | FOLDED_HOST,
}
