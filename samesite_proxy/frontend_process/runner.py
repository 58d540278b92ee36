"""A frontend that runserver starts, starts again after a crash, and ends."""

from __future__ import annotations

import contextlib
import re
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

from samesite_proxy import background
from samesite_proxy.conf import Frontend
from samesite_proxy.conf.commands import Command
from samesite_proxy.frontend_process import marks, packages, places
from samesite_proxy.frontend_process.attempt import Attempt, environment_of
from samesite_proxy.frontend_process.sharing import Share
from samesite_proxy.machine import addresses, sockets

# Between two looks at where it listens, or at another's frontend.
LOOK = 0.1
# And at whether it still listens there.
LOOK_AGAIN = 2.0
# Seconds before it is started again: doubled each time, until it has stood for so long.
FIRST_PAUSE, STANDING = 1, 5.0
MOST_STARTS = 5
# When it is said that it has not come yet.
STILL_STARTING = (10, 30, 90)
# A dev server's word that the folder has one already: another start would end likewise.
ONLY_ONE = re.compile(r"another (\w+ ){1,2}(process|server)\b|another instance of \w+ dev", re.I)
# A shell's exit codes for a program that is not one, or not there.
NOT_RUN = (126, 127)
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Surroundings:
    """What a runner is given by the process that it is in."""

    origin: str  # Django's, for the frontend
    say: Callable[[str], object]
    moved: Callable[[str, str | None], None]  # by prefix; None: it is given up


class GivenUp(Exception):
    """It is not started again, for this reason."""


class Runner:
    """A thread for each frontend that COMMAND names."""

    def __init__(self, command: Command, frontend: Frontend, around: Surroundings) -> None:
        self._command = command
        self._frontend = frontend  # as FRONTEND has it
        self._around = around
        self._over = threading.Event()
        self._attempt: Attempt | None = None
        self._starting = threading.Lock()
        self._share: Share | None = None
        self._refusal = ""  # the line by which it says that there is another
        self._failures = 0
        name = "frontend" if command.prefix == "/" else f"frontend {command.prefix}"
        self._name = name
        self._thread = background.Thread(self._run)

    @cached_property
    def _is_seen(self) -> bool:
        """Whether it is at a port of this machine's."""
        frontend = self._frontend
        is_named = frontend.unix_socket is None and addresses.are_here(frontend.name, frontend.port)
        return self._command.wants_port or is_named

    def start(self) -> None:
        self._around.moved(self._command.prefix, "")
        self._thread.start()

    def ask_to_end(self) -> None:
        self._over.set()
        with self._starting:
            if self._attempt is not None:
                self._attempt.ask_to_end()

    def await_end(self) -> None:
        """Of all of its processes, but no longer than they are given."""
        if self._attempt is not None:
            self._attempt.await_end()

    def _say(self, words: str) -> None:
        self._around.say(f"{self._name}: {words}")

    def _show(self, line: str) -> None:
        """What it prints; at its end nobody asks for its farewell."""
        if ONLY_ONE.search(plain := COLOURS.sub("", line)):
            self._refusal = plain.strip()
        if not self._over.is_set():
            self._around.say(f"{self._name} | {line}")

    def _run(self) -> None:
        try:
            self._share = Share(self._command.folder, self._command.prefix)
            while not self._over.is_set():
                if self._share.take():
                    self._own()
                    return
                self._use_anothers()
        except GivenUp as reason:
            self._give_up(f"{reason} Django goes on without it.")
        except OSError as error:
            self._give_up(f"`{self._command.line}` cannot be started: {error}. Django goes on.")
        finally:
            if self._share is not None:  # Another runserver may try.
                self._share.close()

    def _give_up(self, words: str) -> None:
        self._around.moved(self._command.prefix, None)
        self._say(words)

    def _use_anothers(self) -> None:
        """Until its owner has gone."""
        assert self._share is not None
        known = ""
        while not self._over.is_set():
            owner, address = self._share.read()
            if address != known:
                known = address
                self._around.moved(self._command.prefix, address)
                if address:
                    self._say(f"at {address}, started by another runserver (process {owner})")
            if self._share.take():
                if known:
                    self._say("the runserver that started it has gone")
                self._around.moved(self._command.prefix, "")
                return
            self._over.wait(LOOK)

    def _own(self) -> None:
        while not self._over.is_set():
            if missing := packages.missing_for(self._command):
                raise GivenUp(f"not started: {missing}")
            stood = self._start_once()
            if self._over.is_set():
                return
            self._failures = 0 if stood >= STANDING else self._failures + 1
            if self._failures >= MOST_STARTS:
                raise GivenUp(f"given up after {MOST_STARTS} starts, one after the other.")
            pause = FIRST_PAUSE * 2 ** max(0, self._failures - 1)
            self._say(f"started again in {pause} s")
            self._over.wait(pause)

    def _port(self) -> int | None:
        if self._command.wants_port:
            return sockets.free_port()
        if not sockets.IS_KNOWN and self._frontend.is_here and self._is_taken():
            raise GivenUp(
                f"not started: something listens at {self._frontend.address} already. End it, or"
                ' write {port} in SAMESITE_PROXY["COMMAND"].'
            )
        return self._frontend.port if self._frontend.unix_socket is None else None

    def _is_taken(self) -> bool:
        return sockets.accepts(self._frontend.name, self._frontend.port)

    def _start_once(self) -> float:
        """From a start to its end; for how many seconds it was up."""
        assert self._share is not None
        if marks.end_all(self._share.mark):
            self._say("what an earlier start had left is ended")
        port = self._port()
        environment = environment_of(self._command, port, self._around.origin)
        with self._starting:
            if self._over.is_set():
                return 0
            self._say(f"starting `{self._command.line}` in {self._command.folder}")
            self._attempt = Attempt(
                self._command, port, environment, self._share, self._show
            )  # fmt: skip
        came, since = 0.0, self._attempt.began
        while not self._attempt.has_ended.is_set() and not self._over.is_set():
            address = self._await_address(self._attempt, port or 0, since)
            came = came or time.monotonic()
            self._stand(self._attempt, address)
            since = time.monotonic()
        if not self._over.is_set():
            self._tell_end(self._attempt, port or 0)
        return time.monotonic() - came

    def _stand(self, attempt: Attempt, address: str) -> None:
        """Until it has ended, or does not listen there any more: a dev server whose configuration
        is saved may start again by itself, and somewhere else.
        """
        port = urlsplit(address).port
        is_seen = sockets.IS_KNOWN and self._is_seen
        while not attempt.has_ended.wait(LOOK_AGAIN):
            if is_seen and port and not sockets.is_listened_on(port):
                return

    def _tell_end(self, attempt: Attempt, port: int) -> None:
        self._set_address("")
        code = attempt.code()
        if self._refusal:
            raise GivenUp(f"not started again: {self._refusal.rstrip('.')}.")
        if code == 0:
            raise GivenUp(f"`{self._command.line}` has ended by itself (exit code 0).")
        if code in NOT_RUN:
            raise GivenUp(f"`{self._command.line}` cannot be run ({_in_words(code)}): see above.")
        self._say(f"`{self._command.line}` has ended ({_in_words(code)})")
        if (holder := sockets.holder_of(port) if port else None) is not None:
            self._say(f"port {port} is held by {holder}")

    def _set_address(self, address: str) -> None:
        assert self._share is not None
        self._share.write(address)
        self._around.moved(self._command.prefix, address)

    def _await_address(self, attempt: Attempt, port: int, since: float) -> str:
        """Where it is, once it is up; "" when it has ended before."""
        warnings = list(STILL_STARTING)
        while not attempt.has_ended.wait(LOOK) and not self._over.is_set():
            age = time.monotonic() - since
            if (address := self._address(attempt, port, age)) is not None:
                seconds = time.monotonic() - since
                self._set_address(address)
                self._say(f"up at {address} after {seconds:.1f} s")
                self._tell_stranger(attempt, address)
                return address
            if warnings and time.monotonic() - since > warnings[0]:
                self._say(f"still starting after {warnings.pop(0)} s")
        return ""

    def _tell_stranger(self, attempt: Attempt, address: str) -> None:
        """Why it does not listen where the settings have it."""
        is_elsewhere = address != self._frontend.address and not self._command.wants_port
        if is_elsewhere and (holder := sockets.holder_of(self._frontend.port)) is not None:
            self._say(f"port {self._frontend.port} is held by {holder}, and not used")

    def _address(self, attempt: Attempt, port: int, age: float) -> str | None:
        """Where it listens, `age` seconds after it began to be looked for; None: nowhere yet."""
        if self._frontend.unix_socket is not None and not self._command.wants_port:
            is_up = sockets.accepts_at(self._frontend.unix_socket)
            return self._frontend.address if is_up else None
        if not self._is_seen:
            return self._frontend.address
        if not sockets.IS_KNOWN:
            is_up = sockets.accepts(self._frontend.name, port)
            return self._frontend.at(port) if is_up else None
        return places.address_of(
            self._frontend, attempt.pids(), port, age, is_certain=self._command.wants_port
        )


def _in_words(code: int) -> str:
    if code > 128:  # As shells tell it.
        with contextlib.suppress(ValueError):
            return signal.Signals(code - 128).name
    return f"exit code {code}"
