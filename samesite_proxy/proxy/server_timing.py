"""Who has answered, where a developer looks: in DEBUG the last entry of an answer's Server-Timing.

https://www.w3.org/TR/server-timing/ has it as a list, in which an entry need not name a time.
"""

from __future__ import annotations

from functools import cache
from typing import TypeVar

from django.http import HttpRequest, HttpResponseBase

from samesite_proxy.conf import Frontend, Settings
from samesite_proxy.proxy.rules import FIRST_FRONTEND
from samesite_proxy.types import Fields

NAME = "Server-Timing"

# The same for the feed, in a request's META: who answers, as rules.py numbers owners, and what asks
# the listener for its rows, where it has one for each request.
ANSWERING = "samesite_proxy.answering"
LISTENER = "samesite_proxy.listener"
# And the row of a request that was asked of a frontend, and that we have answered.
FAILED = "samesite_proxy.failed"

AnError = TypeVar("AnError", bound=BaseException)

# Beside the owners: a refusal, and the feed itself.
US, LOOKING = 1, -1

# Ends of which nobody is told, and failures of requests that were no exchange yet.
UNTOLD = ("client-gone", "canceled", "moved")
UNASKED = ("request-invalid", "request-long", "loop")


def _entry(who: str) -> str:
    """A quoted string (RFC 9110, 5.6.4), of ASCII alone: a socket's path may hold anything."""
    said = who.encode("ascii", "backslashreplace").decode().replace("\\", "\\\\")
    return 'samesite;desc="{}"'.format(said.replace('"', '\\"'))


@cache
def entry_of(frontend: Frontend) -> str:
    return _entry(f"frontend {frontend.address}")


def line_of(frontend: Frontend) -> str:
    """The field as the listener sends it."""
    return f"{NAME}: {entry_of(frontend)}\r\n"


def behind(fields: Fields, frontend: Frontend) -> Fields:
    """The fields of an answer of the frontend's, and behind its own whose it is."""
    return [*fields, (NAME, entry_of(frontend))]


def _name(response: HttpResponseBase, entry: str) -> None:
    said = response.headers.get(NAME)
    if said and said.endswith(entry):  # It comes from a cache.
        return
    response.headers[NAME] = f"{said}, {entry}" if said else entry


def name_django(response: HttpResponseBase) -> None:
    """The same in an answer of Django's."""
    _name(response, _entry("Django"))


def name_folder(response: HttpResponseBase, frontend: Frontend) -> None:
    """The same in an answer from a built frontend's files."""
    _name(response, entry_of(frontend))


def note_frontend(request: HttpRequest, frontend: Frontend, settings: Settings) -> None:
    """For the feed: whose it is."""
    prefixes = [each.prefix for each in settings.frontends]
    request.META[ANSWERING] = FIRST_FRONTEND + prefixes.index(frontend.prefix)


def is_unasked(error: Exception) -> bool:
    """Whether no frontend was asked, so that the engine knows nothing of it."""
    code = getattr(error, "code", None)
    return code is None or code in UNASKED


def of_row(error: AnError, row: int) -> AnError:
    """For the feed: the error, as that of an exchange with this row, or none (0)."""
    error.row = row  # type: ignore[attr-defined]
    return error


def row_of(error: Exception) -> int:
    """0: the engine knows nothing of it, or all of it, or nothing is kept."""
    return 0 if getattr(error, "code", None) in UNTOLD else getattr(error, "row", 0)


def note_refusal(request: HttpRequest, error: Exception) -> None:
    """For the feed: it is answered here. What has failed on its way to a frontend has a row."""
    if row_of(error):
        request.META[FAILED] = row_of(error)
    elif LISTENER in request.META or is_unasked(error):
        request.META[ANSWERING] = US
