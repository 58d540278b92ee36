"""Whose path is it: one table, for every way in.

Paths are what Django calls PATH_INFO. An owner is "django" or the prefix of a frontend.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.urls import include, path, re_path


def view(request: HttpRequest, **_: object) -> HttpResponse:
    return HttpResponse(f"Django answers {request.path}", content_type="text/plain")


class Site(NamedTuple):
    """A project: its settings, its URLconf, and who owns what."""

    name: str
    proxy: dict[str, Any]
    urlpatterns: list[Any]
    owners: dict[str, str]


FRONTEND = "/"
INNER = [path("", view), path("posts/<int:pk>/", view)]

SITES = [
    Site(
        "urlconf",
        {},
        [
            path("api/", include(INNER)),
            path("api/v2/", include(INNER)),
            re_path(r"^blog/", include(INNER)),
            path("about/", view),
            path("robots.txt", view),
            re_path(r"^feed/$", view),
            re_path(r"^legacy", view),
            re_path(r"^a\.b/(?P<x>\d+)/$", view),
            path("", include([path("terms/", view), path("", include([path("deep/", view)]))])),
            path("docs", include([path("/intro/", view)])),
            path("user/<slug:name>/", view),
            re_path(r"^colou?r/$", view),
            re_path(r"^alt(a|b)/$", view),
            re_path(r"^news/(?:page-(?P<number>\d+)/)?$", view),
            re_path(r"^lists/", view),
            path("/", view),  # A slash too many: this is "//".
            re_path(r"^files/(?:of/)?", include([re_path(r"^(?P<file>\w*)$", view)])),
        ],
        {
            "/": FRONTEND,
            "/api": "django",
            "/api/": "django",
            "/api/nothing/below": "django",
            "/api/v2/": "django",
            "/apix": FRONTEND,
            "/API/": FRONTEND,
            "//api/": FRONTEND,
            "/blog": "django",
            "/blog/x/y": "django",
            "/blogs/": FRONTEND,
            "/about/": "django",
            "/about": "django",
            "/about/us/": FRONTEND,
            "/robots.txt": "django",
            "/robots.txt/": FRONTEND,
            "/feed/": "django",
            "/feed": "django",
            "/feed/x": FRONTEND,
            "/legacy-anything": "django",
            "/a.b/12/": "django",
            "/a.b/12": "django",
            "/a.b/x/": FRONTEND,
            "/axb/12/": FRONTEND,
            "/terms/": "django",
            "/deep/": "django",
            "/docs/intro/": "django",
            "/docs/other": "django",
            "/user/ann/": "django",
            "/user/ann": "django",
            "/user/ann/x/": FRONTEND,
            "/user/": FRONTEND,
            "/alta/": "django",
            "/altb": "django",
            "/altc/": FRONTEND,
            "/alt/": FRONTEND,
            "/color/": "django",
            "/colour/": "django",
            "/colouur/": FRONTEND,
            "/news/": "django",
            "/news": "django",
            "/news/page-2": "django",
            "/news/page": FRONTEND,
            "/lists": "django",
            "/lists/x": "django",
            "/files": "django",
            "/files/x.js": FRONTEND,
            "/static/x.css": "django",
            "/static": "django",
            "/staticx": FRONTEND,
            "/media/x.png": FRONTEND,
            "/index.html": FRONTEND,
            "/@vite/client": FRONTEND,
            "/한국/": FRONTEND,
            "/api/../x": "django",
            "/x/../api/": FRONTEND,
            "/./api/": FRONTEND,
            "*": FRONTEND,
        },
    ),
    Site(
        "django-paths",
        {"DJANGO_PATHS": ["/api", "/admin/", "/한국"]},
        [path("about/", view)],
        {
            "/": FRONTEND,
            "/api": "django",
            "/api/": "django",
            "/apix": FRONTEND,
            "/admin": "django",
            "/admin/login/": "django",
            "/about/": FRONTEND,
            "/static/x.css": FRONTEND,
            "/한국/x": "django",
        },
    ),
    Site(
        "frontends",
        {"FRONTEND": ["/", "/storybook", "/api/auth"]},
        [path("api/", include(INNER)), path("<slug:page>/", view)],
        {
            "/": FRONTEND,
            "/storybook": "/storybook",
            "/storybook/": "/storybook",
            "/storybook/x": "/storybook",
            "/storybooks/": "django",
            "/api/auth": "/api/auth",
            "/api/auth/callback": "/api/auth",
            "/api/authors": "django",
            "/page/": "django",
            "/page/x": FRONTEND,
        },
    ),
    Site(
        "converter-first",
        {},
        [
            path("<int:year>/archive/", include(INNER)),
            path("shop/", include(INNER)),
            path("shop/<slug:item>/special/", view),
        ],
        {
            "/2026/archive/": "django",
            "/2026/archive": "django",
            "/2026/archive/nothing/": FRONTEND,
            "/2026/": FRONTEND,
            "/shop/x/special/": "django",
            "/shop/not-found": "django",
        },
    ),
    Site(
        "root-is-django",
        {},
        [path("", view)],
        {"/": "django", "/x": FRONTEND, "//": FRONTEND},
    ),
]
