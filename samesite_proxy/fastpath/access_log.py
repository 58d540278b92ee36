"""A line for each request that the listener has served."""

from __future__ import annotations

import logging
import time

from django.utils.log import ServerFormatter

from samesite_proxy.fastpath.table import IS_BACK, Sentences
from samesite_proxy.proxy import errors
from samesite_proxy.proxy.outages import Outages

access = logging.getLogger("samesite_proxy.access")

TIME = "%d/%b/%Y %H:%M:%S"  # as Django's server says it

Record = tuple[str, str, str, int, int, float, float, str, int, str]


def _show() -> None:
    """Where the project says nothing of these lines, as Django shows those of its own server.

    django.setup() runs more than once in a process, and takes away handlers that it has not made.
    """
    if not access.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(ServerFormatter("[{server_time}] {message}", style="{"))
        access.addHandler(handler)


class AccessLog:
    """A line for each request that the listener has served."""

    def __init__(self) -> None:
        self._prefixes: list[str] = []
        self._sentences: Sentences = {}
        self._outages = Outages()  # By prefix: a frontend may come back elsewhere.

    def know(self, sentences: Sentences) -> None:
        """From now on records are of these frontends, by their places."""
        self._prefixes, self._sentences = list(sentences), sentences

    def _prefix(self, index: int) -> str:
        return self._prefixes[index] if 0 <= index < len(self._prefixes) else ""

    def _sentence(self, code: str, index: int) -> str:
        if code in errors.OF_THE_DOOR:
            return errors.OF_THE_DOOR[code].text
        return self._sentences.get(self._prefix(index), {}).get(code, code)

    def _note_answer(self, index: int) -> None:
        if self._outages.end(self._prefix(index)):
            _show()
            words = f"samesite_proxy: {self._sentence(IS_BACK, index)}"
            access.warning("%s", words, extra={"server_time": time.strftime(TIME)})

    def _level_of(self, code: str, index: int) -> tuple[int, str]:
        """And what is to be said behind the line. What is said already is a line like any other."""
        failure = errors.BY_CODE.get(code) or errors.OF_THE_DOOR.get(code)
        if failure is not None and failure.is_lasting:
            sentence = self._sentence(code, index)
            again = self._outages.words_on(self._prefix(index), sentence)
            return (logging.INFO, "") if again is None else (logging.WARNING, again)
        # Without a frontend it is an answer of the listener's own: a refusal.
        is_quiet = not failure.is_logged if failure else not code and index >= 0
        return logging.INFO if is_quiet else logging.WARNING, ""

    def write(self, record: Record) -> None:
        client, method, target, status, size, total, upstream, code, index, words = record
        if not code and index >= 0:
            self._note_answer(index)
        level, again = self._level_of(code, index)
        if not access.isEnabledFor(level):
            return
        _show()
        # A target's bytes are Latin-1, among which are control characters of terminals.
        readable = target.encode("latin-1").decode("ascii", "backslashreplace")
        message = f'{client} "{method} {readable}" {status} {size} bytes {total:.0f} ms'
        if upstream >= 0:
            message += f" (upstream {upstream:.0f} ms)"
        if code:
            message += f": {self._sentence(code, index)}"
        if words and code in errors.DETAILED:
            message += f" ({words})"
        message += again
        extra = {
            "server_time": time.strftime(TIME),
            "client": client,
            "method": method,
            "target": target,
            "status_code": status,
            "size": size,
            "milliseconds": total,
            "upstream_milliseconds": upstream if upstream >= 0 else None,
            "failure": code if code in errors.BY_CODE else "",
        }
        access.log(level, "%s", message, extra=extra)
