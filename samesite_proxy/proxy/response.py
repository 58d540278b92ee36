"""The frontend's answer as a Django response."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from typing import Any

from django.http import StreamingHttpResponse
from django.http.response import ResponseHeaders

from samesite_proxy.types import Fields

Body = Iterable[bytes] | AsyncIterable[bytes]


# What a middleware that compresses finds where it would hold back what should come at once, or
# spoil a part of something. It is never sent (RFC 9110, 8.4.1).
IDENTITY = ("Content-Encoding", "identity")


def is_event_stream(content_type: str) -> bool:
    """Whether it names an open stream of events (WHATWG HTML, 9.2)."""
    return content_type.partition(";")[0].strip().lower() == "text/event-stream"


def _stays_as_it_is(fields: Fields) -> bool:
    """Whether nobody may compress it: what is to reach the client as it comes, events or an answer
    of no declared length, and a part of something, whose bytes are counted (RFC 9110, 14.4)."""
    named = {name.lower(): value for name, value in fields}
    if "content-range" in named or "content-length" not in named:
        return True
    return is_event_stream(named.get("content-type", ""))


class StreamedResponse(StreamingHttpResponse):
    """An answer whose body, if it has a close(), is closed with it."""

    said: int | None = None  # How long a body of ours is, for the feed.

    def __init__(self, body: Body, **options: Any) -> None:
        super().__init__(body, **options)
        self._has_been_logged = True  # Django would log a frontend's 404 as its own.
        self.body = body  # As it is, for a server that is given no response of Django's.


class FrontendResponse(StreamedResponse):
    """The frontend's answer: its fields cross in their order, repeated ones and all.

    What a middleware before ours sets, changes or deletes in ``headers`` wins over them.
    """

    def __init__(self, status: int, reason: str, fields: Fields, body: Body) -> None:
        super().__init__(body, reason=reason)
        self.status_code = status  # Which Django lets be 100 to 599 alone.
        self._fields = fields
        self._edited: ResponseHeaders | None = None  # This drops the Content-Type Django adds.

    def _joined(self) -> dict[str, str]:
        """Repeated fields as one list (RFC 9110, 5.3), the view that Python code has of them."""
        joined: dict[str, str] = {}
        names: dict[str, str] = {}
        for name, value in self._fields:
            first = names.setdefault(name.lower(), name)
            joined[first] = f"{joined[first]}, {value}" if first in joined else value
        return joined

    @property
    def headers(self) -> ResponseHeaders:
        if self._edited is None:
            self._edited = ResponseHeaders(self._joined())
            if _stays_as_it_is(self._fields):
                self._edited.setdefault(*IDENTITY)
        return self._edited

    @headers.setter
    def headers(self, headers: ResponseHeaders) -> None:
        self._edited = headers

    def items(self) -> Fields:
        """What the server sends: the frontend's lines, but for what a middleware changed."""
        if self._edited is None:
            return self._fields
        before = {name.lower(): value for name, value in self._joined().items()}
        kept: Fields = []
        written = set()
        for name, value in self._fields:
            key = name.lower()
            now = self._edited.get(name)
            if now == before[key]:
                kept.append((name, value))
            elif now is not None and key not in written:
                kept.append((name, now))
            written.add(key)
        added = (item for item in self._edited.items() if item[0].lower() not in written)
        return kept + [item for item in added if item != IDENTITY]
