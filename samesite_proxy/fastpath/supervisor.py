"""Between the listener and the server processes that come and go."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from samesite_proxy import _engine, background
from samesite_proxy._engine import EngineError, Listener
from samesite_proxy.conf import Frontend
from samesite_proxy.fastpath import channel, forks, handover, table, verdicts
from samesite_proxy.fastpath.access_log import AccessLog, access
from samesite_proxy.proxy import upstreams

if TYPE_CHECKING:  # Without DEBUG nobody is looked for.
    from samesite_proxy.machine.elsewhere import Lookout

logger = logging.getLogger("samesite_proxy")

PIECE = 65536
MOST_ANSWERS = 1024 * 1024

# Between two looks at what the listener has served; it must not be slowed by being logged.
SECONDS_BETWEEN_LOOKS = 0.05

NO_MEMORY = "no-memory"  # the code of an EngineError


class Child:
    """One server process that has reported to the listener: what it says, line by line."""

    def __init__(self, control: socket.socket, channel: socket.socket) -> None:
        self.control = control
        self.channel = channel
        self.is_attached = False
        self._received = b""
        self._answers = b""

    def answer(self, line: table.Plain) -> None:
        """Say it once it is read; one that asks on without reading is not told all."""
        if len(self._answers) < MOST_ANSWERS:
            self._answers += json.dumps(line).encode() + b"\n"

    def say(self) -> bool:
        """Whether there is more to be said, once there is room."""
        if self._answers:
            with contextlib.suppress(BlockingIOError, ConnectionError):
                count = self.control.send(self._answers, socket.MSG_DONTWAIT)
                self._answers = self._answers[count:]
        return bool(self._answers)

    def lines(self) -> list[bytes] | None:
        """The lines that have come since; None when it has ended."""
        try:
            piece = self.control.recv(PIECE, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return []
        except ConnectionError:
            piece = b""
        if not piece:
            return None
        *whole, self._received = (self._received + piece).split(b"\n")
        return whole

    def attach_to(self, listener: Listener) -> None:
        """The listener works on a copy of the channel."""
        listener.attach(self.channel.fileno())
        self.is_attached = True
        self.channel.close()

    def close(self) -> None:
        self.control.close()
        self.channel.close()


class Supervisor:
    """Between the listener and the server processes that come and go: a thread of its own, which
    nothing ends but the listener's end.
    """

    def __init__(
        self,
        listener: Listener,
        rendezvous: socket.socket,
        questions: socket.socket,
        lookout_for: Callable[[tuple[Frontend, ...]], Lookout],
    ) -> None:
        self._listener = listener
        self._rendezvous = rendezvous
        self._questions = questions
        self._lookout_for = lookout_for
        self._lookout: Lookout | None = None  # With DEBUG alone.
        self._log = AccessLog()
        self._judge: verdicts.HostJudge | None = None
        self._newest: Child | None = None
        self._plain: table.Plain | None = None  # the newest's table
        self._known: upstreams.Known = {}  # by that
        self._next_look = 0.0
        self._is_looking = False
        self.files: list[str] = []  # what the last process said that it is made of
        self._complaint = ""  # the last, since a process was taken up
        # What the listener is still to be told: memory was short, and nobody else will say it.
        self._owed: deque[Callable[[], None]] = deque()
        self._selector = selectors.DefaultSelector()
        self._selector.register(rendezvous, selectors.EVENT_READ, self._meet)
        self._selector.register(questions, selectors.EVENT_READ, self._answer)
        self._thread = background.Thread(self._run)
        self._is_over = False

    def start(self) -> None:
        self._listener.log_everything(access.isEnabledFor(logging.INFO))
        self._listener.set_words(*table.own_words_of(None), False)
        self._thread.start()

    def join(self) -> None:
        """What the listener still records then is left to the caller to have written."""
        self._thread.join()

    def _run(self) -> None:
        while not self._is_over:
            try:
                self._say_owed()
                seconds = SECONDS_BETWEEN_LOOKS if self._owed else self._look_again()
                for key, _ in self._selector.select(seconds):
                    key.data()
            except Exception:
                logger.exception("The listener's supervisor goes on after an error.")
                time.sleep(SECONDS_BETWEEN_LOOKS)
        self._selector.close()

    def _say(self, words: Callable[[], None]) -> None:
        """To the listener, in their order, and until it has heard them."""
        self._owed.append(words)
        self._say_owed()

    def _say_owed(self) -> None:
        try:
            while self._owed:
                self._owed[0]()
                self._owed.popleft()
        except (EngineError, MemoryError) as error:
            self._complain(f"The fast path has to wait: {error!r}")

    def _look_again(self) -> float | None:
        """Watch the listener's records once it is time for it; else how long it is till then."""
        if self._is_looking:
            return None
        seconds = self._next_look - time.monotonic()
        if seconds > 0:
            return seconds
        self._selector.register(self._listener, selectors.EVENT_READ, self._look)
        self._is_looking = True
        return None

    def _look(self) -> None:
        self._selector.unregister(self._listener)
        self._is_looking = False
        self._next_look = time.monotonic() + SECONDS_BETWEEN_LOOKS
        self.write_records()

    def write_records(self) -> None:
        for record in self._listener.records():
            self._log.write(record)
            if self._lookout is not None and record[7] == "connect":
                self._lookout.begin_look()

    def _complain(self, words: str) -> None:
        """Once, however often a process offers the same again."""
        if words != self._complaint:
            self._complaint = words
            logger.error("%s", words)

    def _meet(self) -> None:
        """A server process has started, or the listener ends."""
        said, numbers, _, _ = socket.recv_fds(self._rendezvous, 1, 2, channel.CLOEXEC)
        ends = [forks.own(socket.socket(fileno=number)) for number in numbers]
        if said == handover.LAST_WORD:
            self._is_over = True
        elif said in (handover.STARTS, handover.ENDED):
            self._note_child(said == handover.STARTS)
        elif said == handover.MOVED:
            self._say(self._set_table_anew)
        elif len(ends) == 2:
            self._welcome(Child(*ends))
        else:  # The process sees that what did not come is closed, and offers again.
            for end in ends:
                end.close()
            self._complain(f"Django's server has to wait: {os.strerror(errno.EMFILE)} (ulimit -n).")

    @property
    def is_known(self) -> bool:
        """Whether a server process has ever said whose requests are whose."""
        return self._newest is not None

    def _note_child(self, starts: bool) -> None:
        """One that starts is waited for. After one that has ended only a save brings the next."""
        if not self.is_known:
            self._listener.set_words(*table.own_words_of(None), not starts)

    def _welcome(self, child: Child) -> None:
        try:
            self._selector.register(child.control, selectors.EVENT_READ, lambda: self._hear(child))
        except BaseException:
            child.close()
            raise

    def _drop(self, child: Child) -> None:
        self._selector.unregister(child.control)
        child.close()

    def _hear(self, child: Child) -> None:
        lines = child.lines()
        if lines is None:
            self._drop(child)
            return
        for line in lines:
            try:
                self._obey(child, json.loads(line))
            except EngineError as error:
                self._complain(f"Django's server has to wait: {error}")
            except Exception as error:
                self._complain(f"What a server process said is not understood: {error!r}")
        if lines and not child.is_attached:
            self._drop(child)  # It offers again.
            return
        is_behind = selectors.EVENT_WRITE if child.say() else 0
        self._selector.modify(
            child.control, selectors.EVENT_READ | is_behind, lambda: self._hear(child)
        )

    def _obey(self, child: Child, line: dict[str, Any]) -> None:
        if "table" in line:
            self._take_up(child, line["table"])
        elif "feed" in line:
            from samesite_proxy.feed import rows  # With DEBUG alone.

            child.answer({**rows.since(line["feed"]), "question": line["question"]})
        elif "files" in line:
            self.files = line["files"]
        elif child is self._newest:  # Another's verdict is about other settings.
            self._tell(line)

    def _answer(self) -> None:
        """Whether a Host is allowed; one asked about before the last table is asked about again."""
        sent = self._questions.recv(PIECE).decode("ascii")
        if self._judge is None:
            return
        try:
            verdict = self._judge.verdict_on(sent)
        except Exception:
            logger.exception("Django is to answer what comes under a Host.")
            verdict = verdicts.refusal_of(sent)
        self._tell(verdict)

    def _tell(self, verdict: table.Plain) -> None:
        """The listener does not ask again: requests wait for this word."""
        told = verdict["host"], verdict["origin"], verdicts.views_in(verdict)
        self._say(lambda: self._listener.add_host(*told))

    def _take_up(self, child: Child, plain: table.Plain) -> None:
        """From now on this process has Django's requests."""
        self._look_out_for(plain)
        arguments = self._arguments_of(plain)
        # The channel first: what the new table asks of Django must go to this process.
        child.attach_to(self._listener)
        self._newest = child
        self._complaint = ""
        self._owed.clear()  # It was about the table before.
        self._say(lambda: self._set_table(plain, arguments))

    def _look_out_for(self, plain: table.Plain) -> None:
        """The first page should have it, where the frontend is elsewhere from the start."""
        self._lookout = None
        if plain["debug"] and plain["rules"] is not None:
            self._lookout = self._lookout_for(table.settings_in(plain).frontends)
            self._lookout.begin_look()

    def _elsewhere(self, frontend: Frontend) -> str:
        return self._lookout.told_of(frontend) if self._lookout is not None else ""

    def _arguments_of(self, plain: table.Plain) -> table.Arguments:
        try:
            return table.arguments_of(plain, self._elsewhere)
        except (EngineError, ValueError, OSError) as error:
            if isinstance(error, EngineError) and error.code == NO_MEMORY:
                raise  # It is asked for again.
            logger.error("The fast path is off: %s", error)
            return table.NOTHING

    def _set_table_anew(self) -> None:
        if self._plain is not None:
            self._set_table(self._plain, self._arguments_of(self._plain))

    def _set_table(self, plain: table.Plain, arguments: table.Arguments) -> None:
        *_, asks_django = arguments
        self._plain = plain
        self._judge = None if asks_django else verdicts.HostJudge(plain)
        # First: what has waited is decided anew with what follows.
        _engine.keep_feed(_engine.FEED_DOOR if plain["debug"] else _engine.FEED_OFF)
        self._listener.set_words(*table.own_words_of(plain), False)
        self._listener.set_table(*arguments)
        self.write_records()  # They are of the table before.
        left, self._known = self._known, table.upstreams_in(plain, arguments)
        upstreams.leave_all(left.items(), self._known)
        is_known = arguments is not table.NOTHING
        self._log.know(table.sentences_of(plain, self._elsewhere) if is_known else {})
