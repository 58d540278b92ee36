"""The engine: libcurl's multi interface in a thread of its own."""

from collections.abc import Iterable
from typing import Final, final

# Body lengths that are no number of bytes.
NO_BODY: Final[int]
CHUNKED: Final[int]

# Kinds of rules.
PREFIX: Final[int]
EXACT: Final[int]
STARTS: Final[int]

class EngineError(Exception):
    """An exchange failed."""

    code: str  # what failed and whose fault it was; csrc/engine/error.c lists them
    status: int  # what to answer the client with while nothing has been sent yet

@final
class Exchange:
    """One request and its answer. Used by one thread at a time, else RuntimeError."""

    def send(self, data: bytes, /) -> bool:
        """Send a piece of the body, waiting for room; False: the rest is not wanted."""

    def end(self, /) -> None:
        """The body is complete; EngineError request-client when it is too short."""

    def await_client(self, /) -> int:
        """Wait for bytes from the client: how many are there, 0 at the end of its stream.

        -1 as soon as the upstream does not want the rest of the body.
        """

    def head(self, /) -> tuple[int, str, list[tuple[str, str]]]:
        """Wait for the final head: status, reason, fields without hop-by-hop ones."""

    def read(self, wait: bool = True, /) -> bytes | None:
        """The next piece of the body, at most 256 KiB; empty at its end.

        None when there is none yet and `wait` is false. EngineError: it broke off.
        """

    def cancel(self, /) -> None:
        """End the exchange without waiting, from any thread."""

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
        /,
    ) -> Upstream: ...
    def request(
        self,
        method: str,
        target: str,
        fields: list[tuple[str, str]],
        body_length: int = -2,
        client: int = -1,
        /,
    ) -> Exchange:
        """Start an exchange; `client` is the client's socket, looked at while waiting."""

@final
class Routes:
    """Who owns which path: the longest text that matches."""

    def __new__(cls, rules: Iterable[tuple[str, int, int]]) -> Routes: ...
    def match(self, path: str, /) -> int:
        """The owner of `path`, or -1."""

def break_connection(fd: int, /) -> None:
    """Reset a client's connection; its descriptor stays open, for its owner to close."""

def stop() -> None:
    """Stop the engine and end every exchange, for the end of the process."""
