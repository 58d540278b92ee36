"""What a request for a built frontend's file is answered, whichever server has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http.client import responses
from string import punctuation
from urllib.parse import quote

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest

from samesite_proxy.built.codings import best
from samesite_proxy.built.conditions import NotSatisfiable, range_in, status_by
from samesite_proxy.built.files import (
    BuiltFile,
    Elsewhere,
    Files,
    Variant,
    may_be_page,
)
from samesite_proxy.built.opened import OpenFile, Replaced, read
from samesite_proxy.proxy import errors
from samesite_proxy.proxy.accepted import quality
from samesite_proxy.proxy.errors import Refused
from samesite_proxy.proxy.incoming import PIECE
from samesite_proxy.types import Fields

# How often a file is looked at again that is replaced between two looks.
TRIES = 4


@dataclass
class Answer:
    """A status, fields, and a body: bytes, or an open file's."""

    status: int
    fields: Fields
    text: bytes = b""
    file: OpenFile | None = None

    @property
    def reason(self) -> str:
        return responses[self.status]

    @property
    def is_whole_file(self) -> bool:
        return self.file is not None and self.status == 200


def _with_bytes(answer: Answer, variant: Variant, start: int, stop: int) -> Answer:
    """What is small is read at once."""
    if stop - start <= PIECE:
        answer.text = read(variant.path, variant.signature, start, stop)
    else:
        answer.file = OpenFile(variant.path, variant.signature, start, stop)
    return answer


def _asks_for_page(request: HttpRequest) -> bool:
    accept = request.META.get("HTTP_ACCEPT", "")
    return request.method in ("GET", "HEAD") and quality(accept, "text/html") > 0


def _kept(file: BuiltFile, vary: list[str]) -> Fields:
    """For how long, and for which requests."""
    vary = [*vary, "Accept-Encoding"] if len(file.variants) > 1 else vary
    return [
        ("Cache-Control", file.cache_control),
        *([("Vary", ", ".join(vary))] if vary else []),
    ]


def _content(file: BuiltFile, variant: Variant, length: int) -> Fields:
    coding = [("Content-Encoding", variant.coding)] if variant.coding else []
    return [("Content-Type", file.content_type), ("Content-Length", str(length)), *coding]


def _variant_for(accepted: str, file: BuiltFile) -> Variant:
    if len(file.variants) == 1:
        return file.variants[0]
    coding = best(accepted, [(variant.size, variant.coding) for variant in file.variants])
    return next(variant for variant in file.variants if variant.coding == coding)


def _file(file: BuiltFile, method: str | None, meta: Mapping[str, str], vary: list[str]) -> Answer:
    variant = _variant_for(meta.get("HTTP_ACCEPT_ENCODING", ""), file)
    validators = [("ETag", variant.etag), ("Last-Modified", file.last_modified)]
    fields = [*_kept(file, vary), *validators]
    status = status_by(meta, variant.etag, file.modified)
    if status == 304:
        return Answer(status, fields)
    if status != 200:
        return Answer(status, [*fields, ("Content-Length", "0")])
    span = None
    if method == "GET":
        try:
            span = range_in(meta, variant.size, variant.etag, file.last_modified)
        except NotSatisfiable:
            return _not_satisfiable(variant.size, fields)
    start, stop = span or (0, variant.size)
    fields += [*_content(file, variant, stop - start), ("Accept-Ranges", "bytes")]
    if span:
        fields.append(("Content-Range", f"bytes {start}-{stop - 1}/{variant.size}"))
    answer = Answer(206 if span else 200, fields)
    return answer if method == "HEAD" else _with_bytes(answer, variant, start, stop)


def _missing_page(file: BuiltFile, method: str | None, meta: Mapping[str, str]) -> Answer:
    """The build's own page for what there is not, whatever a client has of it: conditions and
    ranges are of answers that would be 200 (RFC 9110, 13.2.1 and 14.2)."""
    variant = _variant_for(meta.get("HTTP_ACCEPT_ENCODING", ""), file)
    fields = [*_kept(file, ["Accept"]), *_content(file, variant, variant.size)]
    answer = Answer(404, fields)
    return answer if method == "HEAD" else _with_bytes(answer, variant, 0, variant.size)


def _not_satisfiable(size: int, fields: Fields) -> Answer:
    length = [("Content-Range", f"bytes */{size}"), ("Content-Length", "0")]
    return Answer(416, [*fields, *length])


def _query_of(request: HttpRequest) -> str:
    """As it came, but that bytes which no server says alike in a field are quoted."""
    coding = "latin-1" if isinstance(request, WSGIRequest) else "utf-8"  # As Django has it.
    return quote(request.META.get("QUERY_STRING", "").encode(coding), safe=punctuation)


def _elsewhere(place: Elsewhere, query: str) -> Answer:
    location = f"{place.location}?{query}" if query else place.location
    fields = [("Location", location), ("Cache-Control", "no-cache"), ("Content-Length", "0")]
    return Answer(302, fields)


def _instead(files: Files, request: HttpRequest) -> tuple[BuiltFile, int]:
    """The page for an address of no file."""
    path = request.path_info
    if not files.is_public(path) or not _asks_for_page(request):
        raise Refused(errors.FILE_MISSING)
    page, status = files.page_instead(path)
    if page is None:
        raise Refused(errors.NOT_BUILT if may_be_page(path) else errors.FILE_MISSING)
    return page, status


def _answer_of(files: Files, request: HttpRequest) -> Answer:
    method, meta = request.method, request.META
    found, status, vary = files.find(request.path_info), 200, list[str]()
    if found is None:
        (found, status), vary = _instead(files, request), ["Accept"]
    if method not in ("GET", "HEAD"):
        return Answer(405, [("Allow", "GET, HEAD"), ("Content-Length", "0")])
    if isinstance(found, Elsewhere):
        return _elsewhere(found, _query_of(request))
    try:
        if status == 404:
            return _missing_page(found, method, meta)
        return _file(found, method, meta, vary)
    except Replaced:
        files.forget(found)
        raise


def answer_of(files: Files, request: HttpRequest) -> Answer:
    """What `request` is answered; Refused where there is no such file."""
    for _ in range(TRIES):
        try:
            return _answer_of(files, request)
        except Replaced:
            continue
    raise Refused(errors.FILE_MISSING)
