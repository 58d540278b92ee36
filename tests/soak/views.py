"""Django's part: the same pages, for whom its session says."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.http.request import UnreadablePostError
from django.urls import include, path

from tests.soak import journal
from tests.soak.frontend import pieces_of
from tests.soak.identity import DJANGO, answer_to, checksum, seen_by

# The autoreloader watches every imported module, this one too.
if watched := os.environ.get("TEST_WATCHED_MODULE"):
    importlib.import_module(watched)


def log_in(request: HttpRequest, user: str) -> HttpResponse:
    request.session["user"] = user
    return HttpResponse(user)


def page(request: HttpRequest, number: int) -> HttpResponseBase:
    journal.note(number)
    try:
        received = checksum(request.body)
    except UnreadablePostError:  # The client has left.
        return HttpResponse(status=400)
    body = answer_to(number, DJANGO, received, int(request.GET["size"]))
    response: HttpResponseBase = HttpResponse(body)
    if request.GET["chunked"] == "1":
        pieces: Iterator[bytes] = pieces_of(body, number)
        response = StreamingHttpResponse(pieces)
    user = request.session.get("user", "nobody")
    response["X-Identity"] = number
    response["X-Side"] = DJANGO
    response["X-Received"] = received
    response["X-User"] = user
    response.set_cookie("seen", seen_by(user, number))
    return response


urlpatterns = [
    path("api/", include([path("in/<user>/", log_in), path("page/<int:number>/", page)])),
]
