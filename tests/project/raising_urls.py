"""A route whose converter raises what the path says, as one that asks a database may."""

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import include, path, register_converter

ERRORS = {"missing": Http404, "denied": PermissionDenied}


class Raising:
    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        if value.startswith("page"):
            raise ValueError("not mine")
        raise ERRORS.get(value, KeyError)(value)

    def to_url(self, value: str) -> str:
        return value


register_converter(Raising, "raising")


def hello(request: HttpRequest, value: str = "") -> HttpResponse:
    return HttpResponse(f"Django answers {request.path}")


urlpatterns = [
    path("api/", include([path("hello/", hello)])),
    path("<raising:value>/", hello),
]
