"""The engine: HTTP to frontends, in a thread of its own."""

from collections.abc import Iterable
from typing import Final, Literal, final, overload

LIBCURL: Final[str]  # the version that is loaded

# Body lengths that are no number of bytes.
NO_BODY: Final[int]
CHUNKED: Final[int]
TUNNEL: Final[int]  # an upgrade: after a 101, bytes of whatever protocol

# What a request asks its connection to become: nothing that counts, a protocol that a frontend may
# switch to or not, a WebSocket.
NO_UPGRADE: Final[int]
OFFERED: Final[int]
WEBSOCKET: Final[int]

# Kinds of rules.
PREFIX: Final[int]
EXACT: Final[int]
STARTS: Final[int]

class EngineError(Exception):
    """An exchange failed."""

    code: str  # what failed and whose fault it was; csrc/core/error.c lists them
    status: int  # what to answer the client with while nothing has been sent yet

@final
class Exchange:
    """One request and its answer: send, offer, end and await_client are one half, head, read and
    relay the other. Each of the two by one thread at a time, else RuntimeError.
    """

    def send(self, data: bytes, /) -> bool:
        """Send a piece of the body, waiting for room; False: the rest is not wanted."""

    def end(self, /) -> None:
        """The body is complete; EngineError request-client when it is too short."""

    def await_client(self, /) -> int:
        """Wait for bytes from the client: how many are there, 0 at the end of its stream.

        -1 as soon as the upstream does not want the rest of the body.
        """

    @property
    def key(self) -> int:
        """What Notifier.answer() names this exchange by."""

    @property
    def row(self) -> int:
        """Its row's number in the feed, once it has begun; 0: none."""

    def offer(self, data: bytes | memoryview, /) -> int:
        """Send what there is room for; how much. -1: the rest is not wanted.

        After a 0 the notifier tells when there is room again.
        """

    @overload
    def head(self, wait: Literal[True] = True, /) -> tuple[int, str, list[tuple[str, str]]]: ...
    @overload
    def head(self, wait: bool, /) -> tuple[int, str, list[tuple[str, str]]] | None:
        """The final head: status, reason, fields without hop-by-hop ones.

        None when there is none yet and `wait` is false.
        """

    @overload
    def read(self, wait: Literal[True] = True, /) -> bytes: ...
    @overload
    def read(self, wait: bool = True, /) -> bytes | None:
        """The next piece of the body, at most 256 KiB; empty at its end.

        None when there is none yet and `wait` is false. EngineError: it broke off.
        """

    def relay(self, fd: int, head: bytes, early: bytes, /) -> None:
        """Give the engine the client's connection, also when it fails with EngineError.

        `head` goes out on it, then the answer's body as it is; after a 101 `early` and what the
        client sends goes upstream. The exchange goes on without this object, whose methods but
        for cancel() raise RuntimeError from then on. So does this one before head() has answered;
        the connection stays the caller's then.
        """

    def cancel(self, /) -> None:
        """End the exchange without waiting, from any thread."""

@final
class Notifier:
    """Tells an event loop, through a descriptor, which exchanges have news.

    EngineError: too-many, where no descriptor is left, or no-memory.
    """

    def __new__(cls) -> Notifier: ...
    def fileno(self, /) -> int:
        """Readable while there is news; -1 once closed, and in a forked child."""

    def begin(self, /) -> None:
        """Start the exchanges made with this notifier: one wake-up of the engine for them all."""

    def answer(self, /) -> list[int]:
        """The keys of the exchanges that have news, each once; silences it.

        In a forked child the parent's notifier has none.
        """

    def close(self, /) -> None:
        """Close the descriptor; it is never notified again."""

@final
class Upstream:
    """An address that requests go to."""

    def __new__(
        cls,
        url: str,
        unix_socket: str | None,
        ca_file: str | None,
        verify: bool,
        timeouts: tuple[float, float, float],
        max_connections: int,
        loop_token: str | None = None,
        is_development: bool = False,
        ca_path: str | None = None,
        is_started: bool = False,
        /,
    ) -> Upstream: ...
    def request(
        self,
        method: str,
        target: str,
        fields: list[tuple[str, str]],
        body_length: int = -2,
        client: int = -1,
        notifier: Notifier | None = None,
        /,
    ) -> Exchange:
        """Start an exchange, with a notifier at its begin() at the latest.

        `client` is the client's socket, which is looked at while waiting.
        """

    def leave(self, heir: Upstream | None = None, is_down_still: bool = True, /) -> None:
        """End what waits for it to be back, with EngineError `moved`: such a request is to go where
        the frontend is now, to `heir`, which is down as long as this one has been if it
        `is_down_still`.
        """

@final
class Routes:
    """Who owns which path: the longest text that matches."""

    def __new__(cls, rules: Iterable[tuple[str, int, int]]) -> Routes: ...
    def match(self, path: str, /) -> int:
        """The owner of `path`, or -1."""

@final
class OwnAddresses:
    """A frontend's own addresses, which a Location may name."""

    def __new__(
        cls, scheme: str, names: tuple[str, ...], anywhere: tuple[str, ...], port: int, /
    ) -> OwnAddresses:
        """`names` are hosts that count with `port` (0: any), `anywhere` authorities as written;
        both in lower case. `scheme` is what a URL without one means.
        """

    def rewrite(self, name: str, value: str, origin: str, alias: str, /) -> str:
        """The field's value as a browser at `origin` is to see it; `alias` may be empty."""

# How a frontend sees a request: host_policy.HostView as a plain tuple.
_View = tuple[str, str, str, str, str, bool, str]

@final
class Listener:
    """Accepts connections, answers what is a frontend's, and hands the rest over to Django."""

    def __new__(cls, descriptors: list[int], max_connections: int, questions: int, /) -> Listener:
        """Copies of the listening sockets are taken. Until the first table everything waits.

        Hosts are asked about at `questions`, a datagram socket that does not block, of which a copy
        is taken: a datagram is a Host value as the client sent it. -1: there is none.
        """

    def set_table(
        self,
        routes: Routes | None,
        own: Routes | None,
        special_paths: list[str],
        frontends: list[tuple[Upstream, OwnAddresses, dict[str, tuple[int, str, str, str]], str]],
        asks_django: bool,
        /,
    ) -> None:
        """Say whose path is whose; hosts that were allowed before are forgotten.

        `routes` has the owners of proxy/rules.py, or is None: everything is Django's. `own` has the
        frontends' prefixes alone, for upgrades. Under `special_paths` frontends may see a request
        differently. A frontend comes with what is said, by EngineError.code, when it fails: a
        status, a line, an HTML page for browsers and JSON for scripts ("": the line for them
        too); and with the line, CRLF and all, that ends the fields of its final answers ("": none).
        With `asks_django` hosts are asked about through the channel to Django.
        """

    def add_host(
        self, host: str, origin: str, views: list[tuple[_View, _View, _View]] | None, /
    ) -> None:
        """The verdict on a Host value, whose browser is at `origin`.

        For each frontend its view of an ordinary request, one under a special path and an
        upgrade; None: the host is not allowed.
        """

    def set_words(
        self,
        own: dict[str, tuple[int, str, str, str]],
        unread: dict[int, str],
        absence_at_once: bool,
        /,
    ) -> None:
        """Say what the listener says of its own.

        `own` has by name a status, a line, a page and JSON, as a frontend's failures have. `unread`
        has by status what is said of a head that is not read; {}: the reason itself. With
        `absence_at_once` requests are told at once, as long as there is no table, that Django has
        not started; else they wait for it, for 30 s.
        """

    def attach(self, channel: int, /) -> None:
        """Hand Django's requests over through this Unix socket, of which a copy is taken."""

    def log_everything(self, on: bool, /) -> None:
        """Record every answer of a frontend, or failures and the first behind each."""

    def fileno(self, /) -> int:
        """Readable while there are records."""

    def records(self, /) -> list[tuple[str, str, str, int, int, float, float, str, int, str]]:
        """Client, method, target, status, bytes of the body, ms in all, ms until the frontend's
        head (-1: none), EngineError.code or why the listener refused, by name or in words ("":
        neither), the frontend's index (-1: none) and words on the code, of each answer.
        """

    def close(self, /) -> None:
        """End listening and every connection."""

FEED_OFF: int
FEED_PROCESS: int
FEED_DOOR: int

def keep_feed(scope: int, /) -> None:
    """Say what the process's feed holds from now on: FEED_OFF nothing more, FEED_PROCESS all that
    this process's callers ask frontends and open_row() adds, FEED_DOOR all that comes to the
    listener; FEED_PROCESS is not heard where it is that.
    """

def open_row(method: str, target: str, who: int, /) -> int:
    """Add a request to the feed that no frontend server is asked; its number, or 0."""

def answer_row(number: int, status: int, /) -> None:
    """Its answer has begun."""

def end_row(number: int, sent: int, /) -> None:
    """Its answer is over, of so many bytes; -1: of how many is not known."""

def refuse_row(number: int, status: int, sent: int, /) -> None:
    """Not who was asked has answered, but we, with so many bytes."""

def feed_rows(
    after: int, /
) -> tuple[
    list[tuple[int, int, str, int, str, str, bool, int, int, float, float, float, float, str]], int
]:
    """The rows that have changed since the change `after`, in the order of their last changes, and
    the number of the newest row of all.

    Number, change, a frontend's place ("": who says it), who as in proxy/rules.py (1: we), method,
    target, whether it is longer than that, status (0: none yet), bytes of the body, ms since it
    began, ms from then until it was asked, answered and over (-1: not yet), and EngineError.code
    ("": none).
    """

def break_connection(fd: int, /) -> None:
    """Reset a client's connection; its descriptor stays open, for its owner to close."""

def take_connection(fd: int, /) -> int:
    """A new descriptor of a client's connection; the old one becomes a dead end."""

def is_gone(fd: int, /) -> bool:
    """Whether the peer of a client's connection has ended or reset it."""

def upgrade_of(
    method: str, is_http_1_1: bool, has_body: bool, connection: str, upgrade: str, /
) -> int:
    """NO_UPGRADE, OFFERED or WEBSOCKET, by the Connection and Upgrade fields, each as one list."""

def stop() -> None:
    """Stop the engine and end every exchange, for the end of the process.

    Returns when that is done, in each of several threads.
    """
