"""What a request makes an answer depend on: what its client has (RFC 9110, 13), and ranges (14)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from django.utils.http import parse_etags, parse_http_date_safe

_RANGE = re.compile(r"\s*bytes\s*=\s*([0-9]*)-([0-9]*)\s*", re.IGNORECASE | re.ASCII)


# More than any file has.
_ENDLESS = 10**18


class NotSatisfiable(Exception):
    """A range that no byte of the file is in."""


def _names(listed: str, etag: str, *, weakly: bool) -> bool:
    """Whether a list of entity tags names this one, which is strong (RFC 9110, 8.8.3.2)."""
    if listed.strip() == "*":
        return True
    tags = parse_etags(listed)
    return etag in ([tag.removeprefix("W/") for tag in tags] if weakly else tags)


def _date(said: str | None) -> int | None:
    """None, too, where it is no date."""
    return parse_http_date_safe(said) if said else None


def status_by(meta: Mapping[str, str], etag: str, modified: int) -> int:
    """200, or what holds instead: 304 or 412, looked for in the order of RFC 9110, 13.2.2."""
    match = meta.get("HTTP_IF_MATCH")
    since = _date(meta.get("HTTP_IF_UNMODIFIED_SINCE"))
    if match is not None and not _names(match, etag, weakly=False):
        return 412
    if match is None and since is not None and modified > since:
        return 412
    if (none_match := meta.get("HTTP_IF_NONE_MATCH")) is not None:
        return 304 if _names(none_match, etag, weakly=True) else 200
    since = _date(meta.get("HTTP_IF_MODIFIED_SINCE"))
    return 304 if since is not None and modified <= since else 200


def _is_unchanged(meta: Mapping[str, str], etag: str, last_modified: str) -> bool:
    """By If-Range: the very tag, or the very date (RFC 9110, 13.1.5)."""
    known = meta.get("HTTP_IF_RANGE")
    return known is None or known.strip() in (etag, last_modified)


def _place(digits: str) -> int | None:
    """There may be any number of them."""
    if not digits:
        return None
    significant = digits.lstrip("0")
    return int(significant or "0") if len(significant) < 19 else _ENDLESS


def range_in(
    meta: Mapping[str, str], size: int, etag: str, last_modified: str
) -> tuple[int, int] | None:
    """The first byte and the one behind the last; None: the whole file, which is what several
    ranges get, too, and what cannot be read as one.
    """
    said = meta.get("HTTP_RANGE")
    found = _RANGE.fullmatch(said) if said else None
    if found is None or not any(found.groups()):
        return None
    if not _is_unchanged(meta, etag, last_modified):
        return None
    first, last = map(_place, found.groups())
    if first is None:
        assert last is not None
        if last and not size:
            return None  # Satisfiable, but nothing that Content-Range could say.
        start, stop = max(0, size - last), size
    elif last is not None and last < first:
        return None
    else:
        start, stop = first, size if last is None else min(last + 1, size)
    if start >= stop:
        raise NotSatisfiable
    return start, stop
