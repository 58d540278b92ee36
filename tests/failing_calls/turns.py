"""What happens to a server's processes amid visits: they fork, and others take their places."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable

from tests.failing_calls.visits import Tally
from tests.harness.django_servers import DjangoServer
from tests.harness.raw_client import Broken
from tests.process.numbers import asked, body_of

PAUSE = 0.5  # Between two forks.
LIFE = 4.0  # Of a process, until its time is over.


class Forker:
    """Asks again and again for a view that forks: parent and child ask the frontend at once."""

    def __init__(self, server: DjangoServer, tally: Tally) -> None:
        self._server = server
        self._tally = tally

    def _fork(self, name: str) -> str:
        try:
            answer = asked(self._server.port, f"/api/fork/?name={name}")
        except (Broken, ConnectionError):
            return "broken"
        if answer.status != 200:
            return "refused"
        told = json.loads(answer.body)
        status = told.pop("status")
        if status or told != {who: body_of(f"{who}-{name}").decode() for who in told}:
            self._tally.complain(f"fork {name}: {status}, {str(told)[:300]}")
        return "whole"

    def __call__(self, until: float) -> None:
        for number in itertools.count():
            if time.monotonic() > until:
                return
            self._tally.note(f"fork {self._fork(str(number))}")
            time.sleep(PAUSE)  # Others need the processor, too.


class Renewer:
    """Replaces processes again and again."""

    def __init__(self, renew: Callable[[], None], tally: Tally) -> None:
        self._renew = renew
        self._tally = tally

    def __call__(self, until: float) -> None:
        while time.monotonic() < until:
            try:
                self._renew()
            except AssertionError as error:
                self._tally.complain(f"renewal: {error!r}")
                return
            self._tally.note("renewal whole")
            time.sleep(min(LIFE, max(0.0, until - time.monotonic())))  # It lives for as long.
