"""A line for each request that the listener has served."""

from __future__ import annotations

import logging
import time

from django.utils.log import ServerFormatter

from samesite_proxy.proxy import errors

access = logging.getLogger("samesite_proxy.access")

# Refusals of the listener's own that need no line in the terminal.
QUIET = frozenset({errors.NOT_STARTED.text})

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
        self.sentences: list[dict[str, str]] = []  # of each frontend, by the failure's code

    def _sentence(self, code: str, index: int) -> str:
        known = self.sentences[index] if 0 <= index < len(self.sentences) else {}
        return known.get(code, code)

    def write(self, record: Record) -> None:
        client, method, target, status, size, total, upstream, code, index, words = record
        failure = errors.BY_CODE.get(code)
        # Without a frontend it is an answer of the listener's own: a refusal.
        is_quiet = not failure.is_logged if failure else not code and index >= 0
        level = logging.INFO if is_quiet or code in QUIET else logging.WARNING
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
        extra = {
            "server_time": time.strftime(TIME),
            "client": client,
            "method": method,
            "target": target,
            "status_code": status,
            "size": size,
            "milliseconds": total,
            "upstream_milliseconds": upstream if upstream >= 0 else None,
            "failure": code if failure else "",
        }
        access.log(level, "%s", message, extra=extra)
