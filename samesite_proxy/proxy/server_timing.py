"""Who has answered, where a developer looks: in DEBUG the last entry of an answer's Server-Timing.

https://www.w3.org/TR/server-timing/ has it as a list, in which an entry need not name a time.
"""

from __future__ import annotations

from functools import cache

from django.http import HttpResponseBase

from samesite_proxy.conf import Frontend
from samesite_proxy.types import Fields

NAME = "Server-Timing"


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
    response.headers[NAME] = f"{said}, {entry}" if said else entry


def name_django(response: HttpResponseBase) -> None:
    """The same in an answer of Django's."""
    _name(response, _entry("Django"))


def name_folder(response: HttpResponseBase, frontend: Frontend) -> None:
    """The same in an answer from a built frontend's files."""
    _name(response, entry_of(frontend))
