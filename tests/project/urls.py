"""A few views of Django's own beside the frontend."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path


def hello(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"Django answers {request.path}", content_type="text/plain")


def echo(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"method": request.method, "body": request.body.decode("latin-1")})


urlpatterns = [
    path("api/", include([path("hello/", hello), path("echo/", echo)])),
    path("about/", hello),
]
