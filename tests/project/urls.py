"""A few views of Django's own beside the frontend."""

import socket

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path


def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"Django answers {request.path}", content_type="text/plain")


def echo(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"method": request.method, "body": request.body.decode("latin-1")})


def host(request: HttpRequest) -> HttpResponse:
    """The host by which this request is known to Django, and the rest of its address."""
    query = request.META["QUERY_STRING"]
    return HttpResponse(f"{request.get_host()} {request.path} {query}", content_type="text/plain")


def client_socket(request: HttpRequest) -> JsonResponse:
    """The options of the client's socket, found by the server's own means."""
    environ = request.META
    found = environ.get("gunicorn.socket") or environ["wsgi.input"]._read.__self__.raw._sock
    return JsonResponse(
        {"TCP_NODELAY": int(found.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0)}
    )


urlpatterns = [
    path(
        "api/",
        include(
            [
                path("hello/", hello),
                path("echo/", echo),
                path("host/", host),
                path("socket/", client_socket),
            ]
        ),
    ),
    path("about/", hello),
]
