"""Every way in, and what a client hears there to the end."""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import dataclass, field

from tests.adversary.witness import VICTIM
from tests.asgi.servers import front
from tests.harness.raw_client import Answer, Broken, RawClient
from tests.traffic.stage import Stage, request

WSGI = ("runserver", "gthread", "waitress", "granian")
ASGI = tuple(front("uvicorn", "daphne", "hypercorn", "gunicorn", "granian"))
EVERY_WAY = ("fastpath", *WSGI, *ASGI)

# A server that waits for more of a request says nothing; then the client ends.
QUIET = 0.4

_numbers = itertools.count()


@dataclass
class Heard:
    """The answers to one connection's bytes, and how it ended."""

    answers: list[Answer] = field(default_factory=list)
    is_cut: bool = False  # in the middle of an answer, or by a reset
    was_waited_for: bool = False  # more was waited for, until the client's end

    @property
    def statuses(self) -> list[int]:
        return [answer.status for answer in self.answers]

    @property
    def forwarded(self) -> list[bytes]:
        """The identities that came from the frontend."""
        return [answer.body for answer in self.answers if answer.status == 200]


def hear(client: RawClient, methods: list[str]) -> Heard:
    """All answers, until the connection ends; the n-th is to a request of the n-th method."""
    heard = Heard()
    client.sock.settimeout(QUIET)
    for method in [*methods, *["GET"] * 20]:
        try:
            heard.answers.append(client.read_answer(method))
        except TimeoutError:
            if heard.was_waited_for:
                return heard
            heard.was_waited_for = True
            with contextlib.suppress(OSError):
                client.end()
        except ValueError:
            # waitress says an end of chunks behind the head that answers a HEAD, and closes.
            assert [answer.get("Connection") for answer in heard.answers[-1:]] == ["close"]
            return heard
        except Broken as broken:
            heard.is_cut = "after b''" not in str(broken)
            return heard
    return heard


def say(stage: Stage, sent: bytes, *methods: str) -> Heard:
    """One connection's bytes, and what comes back."""
    with stage.client() as client:
        with contextlib.suppress(ConnectionError):
            client.send(sent)
        return hear(client, list(methods))


def hear_bytes(stage: Stage, sent: bytes) -> bytes:
    """The same where nobody can say what comes back to what."""
    heard = b""
    with stage.client() as client:
        client.sock.settimeout(QUIET)
        with contextlib.suppress(ConnectionError):
            client.send(sent)
        is_ending = False
        while True:
            try:
                piece = client.read_some(65536)
            except (Broken, TimeoutError) as error:
                if is_ending or isinstance(error, Broken):
                    return heard
                is_ending = True
                with contextlib.suppress(OSError):
                    client.end()
                continue
            if not piece:
                return heard
            heard += piece


def victim_is_answered_right(stage: Stage) -> bool:
    """Whether somebody else's next request gets its own answer."""
    target = f"{VICTIM}{next(_numbers)}"
    answer = stage.exchange(request("GET", target))
    return (answer.status, answer.body) == (200, f"GET {target}".encode())
