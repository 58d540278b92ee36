"""What answers at a dev server's usual port where nothing listens at FRONTEND's: for messages.

It is looked for in DEBUG, on this machine, in a thread, now and then; nothing is forwarded there.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Collection, Iterable

from samesite_proxy import background
from samesite_proxy.conf import Frontend
from samesite_proxy.machine import sockets

SECONDS_BETWEEN_LOOKS = 3.0
# One that waits for an answer which does not come is not joined by a second.
MOST_SECONDS_OF_A_LOOK = 30.0


def is_up(frontend: Frontend) -> bool:
    """Whether somebody accepts where it is reached."""
    if frontend.unix_socket is not None:
        return sockets.accepts_at(frontend.unix_socket)
    return sockets.accepts(frontend.name, frontend.port, sockets.SECONDS_TO_CONNECT)


def _concerns(frontend: Frontend) -> bool:
    """COMMAND says itself where its frontend is; another machine's is none of these ports."""
    return frontend.is_here and not frontend.is_commanded


def _found(other_than: Iterable[int]) -> int | None:
    ports = (port for port in sockets.DEV_PORTS if port not in other_than)
    name, seconds = "localhost", sockets.SECONDS
    return next((port for port in ports if sockets.has_pages(port, name, seconds)), None)


def found_besides(ports: Iterable[int]) -> tuple[str, str] | None:
    """The address of one that answers HTTP, and who it is, as far as this user may know."""
    port = _found(set(ports))
    if port is None:
        return None
    holder = sockets.holder_of(port)
    return f"http://localhost:{port}", f" ({holder})" if holder else ""


def line_for(prefix: str, address: str, *, is_only: bool) -> str:
    """What to write in the settings."""
    if is_only:
        return f'SAMESITE_PROXY = {{"FRONTEND": "{address}"}}'
    return f'"{prefix}": "{address}" in SAMESITE_PROXY["FRONTEND"]'


class Lookout:
    """The last look's outcome, for the frontends of one process."""

    def __init__(
        self,
        frontends: tuple[Frontend, ...],
        own_port: int,
        has_changed: Callable[[], object] = lambda: None,
    ) -> None:
        self._suspects = [each for each in frontends if _concerns(each)]
        self._is_only = len(frontends) == 1
        self._ports = {own_port, *(each.port for each in frontends)}
        self._has_changed = has_changed
        self._next_look = 0.0
        self._told: dict[str, str] = {}

    def told_of(self, frontend: Frontend) -> str:
        """What answers instead of `frontend`, and what to write; "" where nothing is known."""
        return self._told.get(frontend.prefix, "")

    def begin_look(self) -> None:
        """In a thread, unless the last was a moment ago."""
        now = time.monotonic()
        if not self._suspects or now < self._next_look:
            return
        self._next_look = now + MOST_SECONDS_OF_A_LOOK
        with contextlib.suppress(RuntimeError):  # No thread is to be had.
            background.Thread(self.look).start()

    def look(self, down: Collection[Frontend] | None = None) -> None:
        """`down`: those that have been found to be so already."""
        if down is None:
            down = [each for each in self._suspects if not is_up(each)]
        missing = [each for each in self._suspects if each in down]
        found = found_besides(self._ports) if missing else None
        told = {}
        if found is not None:
            address, who = found
            for each in missing:
                line = line_for(each.prefix, address, is_only=self._is_only)
                told[each.prefix] = f"{address} answers{who}. If that is it, write {line}."
        self._next_look = time.monotonic() + SECONDS_BETWEEN_LOOKS
        if told != self._told:
            self._told = told
            self._has_changed()


@functools.lru_cache(maxsize=4)
def lookout(frontends: tuple[Frontend, ...], own_port: int) -> Lookout:
    """The one of a process in which Django answers at this port."""
    return Lookout(frontends, own_port)
