"""What a client is told when forwarding fails: one row a failure, by phase and guilty side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from http import HTTPStatus

from samesite_proxy.conf import Frontend
from samesite_proxy.conf.frontends import LOOPBACK

_STATUSES = frozenset(HTTPStatus)


@dataclass(frozen=True)
class Failure:
    """A status and a sentence; {address} is the frontend's, {at_localhost} the name to give it."""

    status: int
    text: str
    is_logged: bool = True
    detail: str = ""  # For the log, and in DEBUG for the client where it is shown.
    shows_detail: bool = False
    elsewhere: str = ""  # What answers at another port.
    title: str = ""  # Of its page, where the status alone does not say whose fault it is.
    is_lasting: bool = False  # No connection comes about, whatever it is that is asked.

    def sentence(self, frontend: Frontend | None) -> str:
        if self.shows_detail and self.detail:
            return f"{self._sentence(frontend)} ({self.detail})"
        return self._sentence(frontend)

    def _sentence(self, frontend: Frontend | None) -> str:
        if frontend is None:
            return self.text
        return self.text.format(
            address=frontend.address,
            at_localhost=frontend.at_localhost,
            elsewhere=self.elsewhere,
        )

    def line(self, frontend: Frontend | None) -> str:
        return f"samesite_proxy: {self.sentence(frontend)}\n"

    def logged(self, frontend: Frontend | None) -> str:
        """All of it, for the log."""
        detail = f" ({self.detail})" if self.detail else ""
        return f"samesite_proxy: {self._sentence(frontend)}{detail}"

    @property
    def for_visitors(self) -> str:
        """Without DEBUG: no address, and no advice to who develops the site."""
        phrase = HTTPStatus(self.status).phrase if self.status in _STATUSES else "Error"
        if self.status < 500:
            return f"{phrase}."
        return f"{phrase}. The site cannot answer at the moment; please try again later."


class Refused(Exception):
    """The request is answered here, by this failure."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.text)
        self.failure = failure


_START_IT = (
    'Start it, or set SAMESITE_PROXY["FRONTEND"] to its address'
    " (Vite's default port is 5173, Next's is 3000)."
)

# By EngineError.code; csrc/core/error.h says what each means.
BY_CODE = {
    "no-memory": Failure(500, "out of memory."),
    "system": Failure(503, "the engine cannot start: no thread, no poller or no descriptor."),
    "request-invalid": Failure(400, "the request has a method, target or field that HTTP forbids."),
    "request-long": Failure(
        431,
        "the request's head is longer than 64 KiB or has more than 1000 fields; most often cookies"
        " are to blame, which all ports of localhost share: delete them.",
    ),
    "loop": Failure(
        508,
        "the request came back from the frontend at {address}, which passes on to Django what"
        ' Django passes on to it. Delete the line that does: server.proxy in vite.config, "proxy"'
        ' in package.json, rewrites in next.config. Or SAMESITE_PROXY["FRONTEND"] is an address of'
        " Django's own: set it to the frontend's.",
    ),
    "too-many": Failure(
        503,
        'too many connections to {address}; see SAMESITE_PROXY["MAX_CONNECTIONS"] and ulimit -n.',
    ),
    "connect": Failure(
        502, "the frontend at {address} cannot be reached. " + _START_IT, is_lasting=True
    ),
    "connect-beside": Failure(
        502,
        "nothing listens at {address}, but something does on the same port of localhost. Write"
        ' {at_localhost} in SAMESITE_PROXY["FRONTEND"]: that is 127.0.0.1 and [::1].',
        is_lasting=True,
    ),
    "name": Failure(
        502,
        'the name in {address} has no address; see SAMESITE_PROXY["FRONTEND"], or what resolves'
        " names on this machine.",
        is_lasting=True,
    ),
    "tls": Failure(
        502,
        "there is no TLS with the frontend at {address}. Does it speak https? If not,"
        ' SAMESITE_PROXY["FRONTEND"] begins with http://.',
        is_lasting=True,
    ),
    "certificate": Failure(
        502,
        "the certificate of the frontend at {address} is not trusted, or is another name's; see"
        ' SAMESITE_PROXY["CA_FILE"].',
        is_lasting=True,
    ),
    "connect-timeout": Failure(
        504,
        "the frontend at {address} did not accept a connection in time. " + _START_IT,
        is_lasting=True,
    ),
    "request-client": Failure(
        400, "the request's body broke off, or is not as long as declared.", is_logged=False
    ),
    "request-upstream": Failure(502, "the frontend at {address} broke off while it was sent to."),
    "response-timeout": Failure(
        504,
        "the frontend at {address} accepted the request but did not answer in time;"
        ' see SAMESITE_PROXY["RESPONSE_TIMEOUT"].',
    ),
    "response-loop": Failure(
        504,
        "the frontend at {address} did not answer in time, and eight or more requests with this"
        " method and target wait for it: does its server ask Django for what it is making? Such a"
        ' path belongs in SAMESITE_PROXY["DJANGO_PATHS"]; see also'
        ' SAMESITE_PROXY["RESPONSE_TIMEOUT"].',
    ),
    "response-none": Failure(
        502, "the frontend at {address} closed the connection without an answer."
    ),
    "response-head": Failure(
        502,
        "what the frontend at {address} answered is not HTTP/1.1, or can be read two ways. Is"
        ' SAMESITE_PROXY["FRONTEND"] the frontend\'s address, with http or https as it speaks?',
    ),
    "response-upstream": Failure(502, "the frontend at {address} broke off its answer."),
    "idle-timeout": Failure(
        504,
        'the frontend at {address} stood still for too long; see SAMESITE_PROXY["IDLE_TIMEOUT"].',
    ),
    "client-gone": Failure(499, "the client has left.", is_logged=False),
    "canceled": Failure(499, "the exchange was canceled.", is_logged=False),
    "shutdown": Failure(503, "the server is shutting down.", is_logged=False),
}

# It is asked again where it is by then; see proxy/upstreams.py.
BY_CODE["moved"] = BY_CODE["connect"]

NOBODY_LISTENS = Failure(
    502,
    BY_CODE["connect"].text
    + " If it listens on localhost, write that instead of the number: it may"
    " be on the other of 127.0.0.1 and [::1] alone.",
    is_lasting=True,
)
ELSEWHERE = Failure(502, "nothing listens at {address}, but {elsewhere}", is_lasting=True)
AWAITED = Failure(
    502,
    'SAMESITE_PROXY["COMMAND"] is starting the frontend: see the terminal.',
    title="The frontend is not up yet",
    is_lasting=True,
)
GIVEN_UP = Failure(
    502,
    'the frontend of SAMESITE_PROXY["COMMAND"] has ended, or could not be started: see the'
    " terminal.",
    title="The frontend has ended",
    is_lasting=True,
)
# Where the engine's words say more than the sentence does.
DETAILED = frozenset({"name", "tls", "certificate", "response-head"})


def failure_by(code: str, frontend: Frontend | None, elsewhere: str = "") -> Failure:
    """What is said of an EngineError with that code; `elsewhere`: what answers at another port."""
    if code == "connect" and elsewhere:
        return replace(ELSEWHERE, elsewhere=elsewhere)
    if code == "connect" and frontend is not None and frontend.is_awaited:
        return AWAITED
    if code == "connect" and frontend is not None and frontend.is_given_up:
        return GIVEN_UP
    if code == "connect" and frontend is not None and frontend.name in LOOPBACK:
        return NOBODY_LISTENS
    return BY_CODE[code]


IS_BACK = "the frontend at {address} is back."

# The listener's own, before it knows whose a request is.
NOT_STARTED = Failure(
    503,
    "Django has not started: see the terminal.",
    is_logged=False,  # The terminal has the reason, which what the page asks must not push away.
    title="Django has not started",
)
NOT_THERE = Failure(
    503,
    "Django is not there: it has not come back after a change, or has not started. Its output in"
    " the terminal says why.",
    title="Django is not there",
)
# Also the log's, by the names that csrc/door/own_words.c has for them.
OF_THE_DOOR = {
    "not-started": NOT_STARTED,
    "not-there": NOT_THERE,
    "late-head": Failure(408, "the request's head did not come in time."),
    "lost-body": Failure(
        411,
        "this server does not read chunked request bodies for Django; send a Content-Length, or"
        " serve Django with gunicorn.",
    ),
    "restarted": Failure(503, "the server restarted while it answered; it may have been done."),
    "ended": Failure(503, "the server ended while it answered; it may have been done."),
    "ending": Failure(503, "the server ends, and has not begun with this."),
}
# Of a head that the listener does not read; the reasons are the reader's.
STATUSES_OF_UNREAD = (400, 414, 431, 500, 501, 505)

HOST_REFUSED = Failure(400, "this host name is not in ALLOWED_HOSTS.", shows_detail=True)
TARGET_REFUSED = Failure(400, "the request's target names another scheme, a user or no host.")
LENGTH_REFUSED = Failure(400, "the request's Content-Length is no number, or beyond all bounds.")
FRAMED_TWICE = Failure(400, "the request has both a Content-Length and a Transfer-Encoding.")
CODING_UNKNOWN = Failure(501, "the request has a Transfer-Encoding other than chunked.")
BODY_WITH_HEAD = Failure(400, "a HEAD request cannot have a body.")
BODY_BROKEN = Failure(400, "the request's body broke off.", is_logged=False)
HEAD_BROKEN = Failure(400, "the request's head broke off.", is_logged=False)
BODY_LOST = Failure(
    411,
    "this server does not read chunked request bodies; send a Content-Length, or serve Django"
    " with gunicorn.",
)
BODY_LOST_TO_OFFER = Failure(
    411,
    "this server does not read the chunked body of a request that offers an upgrade; send it"
    " without Upgrade, or run uvicorn with --http h11.",
)
BODY_TAKEN = Failure(
    500,
    "a middleware before SameSiteProxyMiddleware has read the request's form, and it cannot be"
    " sent a second time; put SameSiteProxyMiddleware before it.",
)
METHOD_REFUSED = Failure(405, "this method is not forwarded.")
UPGRADE_REFUSED = Failure(
    501,
    "this server hides the client's socket, or ends TLS itself, so that WebSockets cannot be"
    " forwarded; serve Django with runserver, gunicorn without TLS, or an ASGI server.",
)
LIBRARY_MISSING = Failure(
    501, "WebSockets under ASGI need the package websockets: pip install 'samesite-proxy[asgi]'."
)
# Of a frontend that is a folder.
FILE_MISSING = Failure(
    404, "the built frontend has no such file.", is_logged=False, title="There is no such file"
)
FILE_UNREADABLE = Failure(503, "a file of the built frontend's cannot be read.", shows_detail=True)
NOT_BUILT = Failure(
    503,
    'the folder in SAMESITE_PROXY["FRONTEND"] has no index.html: build the frontend (npm run'
    " build).",
)
STATUS_UNKNOWN = Failure(
    502, "this server cannot say the status that the frontend at {address} answered with."
)
HANDSHAKE_WRONG = Failure(
    502, "the frontend at {address} answered the WebSocket's handshake wrongly."
)
