"""`samesite_proxy nginx`: the same owner for each path as everywhere, by real nginx."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path, re_path

from samesite_proxy.commands.nginx import HOST_OF_CONTAINER
from tests.asgi import servers as asgi_servers
from tests.commands.asked import ask, frontends_of, nobody, project
from tests.harness.django_servers import serving
from tests.harness.http_requests import Recorder, Request
from tests.harness.nginx import running
from tests.harness.ports import free_port
from tests.harness.raw_client import Answer, RawClient, get
from tests.harness.scripted_upstream import scripted
from tests.project.urls import urlpatterns
from tests.unit.path_cases import INNER, SITES, Site, view

SAME = "# Django keeps SameSiteProxyMiddleware"
OWN = "127.0.0.1:8080"

# nginx answers it itself, with 400.
OF_NGINX = "*"


def naming(prefix: str) -> Recorder:
    """A frontend that says which it is, how it was asked, and by whom."""

    def answer(request: Request) -> bytes:
        body = f"{prefix} {request.target} {'Django' if request.get('CDN-Loop') else 'nginx'}"
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (
            len(body.encode("latin-1")),
            body.encode("latin-1"),
        )

    return Recorder(answer)


def ask_nginx(port: int, target: str) -> Answer:
    with RawClient(port) as client:
        client.send(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        return client.read_answer()


def owner_in(answer: Answer, frontends: dict[str, str]) -> str:
    who = answer.body.split(b" ")[0].decode("latin-1")
    return who if who in frontends else "django"


class Settled:
    """nginx in front of Django and of frontends that name themselves."""

    def __init__(self, site: Site, folder: Path, stack: ExitStack) -> None:
        self.frontends = {
            prefix: stack.enter_context(scripted(naming(prefix))).url
            for prefix in site.proxy.get("FRONTEND", ["/"])
        }
        environment = {"TEST_URLCONF": "tests.project.site_urls", "TEST_SITE": site.name}
        proxy = {**site.proxy, "FRONTEND": self.frontends}
        django = stack.enter_context(serving("gthread", proxy, **environment))
        self.port = free_port()
        with project(site, self.frontends):
            text = ask("nginx", "--direct")
        for printed, own in {
            f"listen {OWN};": f"listen 127.0.0.1:{self.port};",
            "server 127.0.0.1:8000 ": f"server 127.0.0.1:{django.port} ",
        }.items():
            assert printed in text
            text = text.replace(printed, own)
        stack.enter_context(running(folder, text, self.port))

    def owner(self, target: str) -> str:
        return owner_in(ask_nginx(self.port, target), self.frontends)


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.name)
def test_owner_is_as_the_table_says(site: Site, tmp_path: Path) -> None:
    owners = {each: owner for each, owner in site.owners.items() if each != OF_NGINX}
    with ExitStack() as stack:
        settled = Settled(site, tmp_path, stack)
        assert {each: settled.owner(quote(each, safe="/@.")) for each in owners} == owners


# Targets that nginx reads in another way than Django, and who has them.
ODD = {
    "/x/../api/": "/",
    "/api/../x": "django",
    "/x/%2e%2E/api/": "/",
    "/./api/": "/",
    "/x/..": "/",
    "//api/": "/",
    "/x//api/": "/",
    "/x%2Fy": "/",
    "/x%2f..%2fapi/": "/",
    "/api%2Fx": "django",
    "/api/..#x": "django",
    "/api/.#": "django",
    "/x/..#/api/": "/",
}
# And what looks odd, but is not.
EVEN = {
    "/x?next=//api/../y": "/",
    "/x?next=/#/../y": "/",
    "/%61pi/me/": "django",
    "/api%3Fx": "/",
    "/api%23x": "/",
    "/x/..y": "/",
    "/.well-known/x": "/",
    "/x%20y": "/",
}


def test_odd_targets_are_django_s_to_decide_and_cross_as_they_came(tmp_path: Path) -> None:
    with ExitStack() as stack:
        settled = Settled(SITES[0], tmp_path, stack)
        found = {target: ask_nginx(settled.port, target) for target in ODD | EVEN}
    owners = {target: owner_in(each, settled.frontends) for target, each in found.items()}
    assert owners == ODD | EVEN
    passed = {target: found[target].body.decode() for target in found if owners[target] == "/"}
    assert passed == {
        target: f"/ {target} {'Django' if target in ODD else 'nginx'}" for target in passed
    }


def test_path_without_its_slash_is_not_sent_to_the_one_with_it(tmp_path: Path) -> None:
    """Which nginx does of itself, where it has no location for it."""
    patterns = [
        *(path("about/", view), path("users/<int:pk>/", view), path("odd//", view)),
        *(re_path(r"^lists/", view), path("a.b/c/", include(INNER))),
    ]
    site, port = Site("slashes", {}, patterns, {}), free_port()
    with ExitStack() as stack:
        frontend, django = (stack.enter_context(scripted(naming(who))) for who in ("/", "django"))
        with project(site, {"/": frontend.url}, APPEND_SLASH=False):
            text = ask("nginx", "--direct").replace(OWN, f"127.0.0.1:{port}")
        text = text.replace("127.0.0.1:8000", django.url.removeprefix("http://"))
        stack.enter_context(running(tmp_path, text, port))
        told = {
            target: ask_nginx(port, target).body.split(b" ")[0].decode()
            for each in ("/about", "/users", "/odd/", "/odd", "/lists", "/a.b/c")
            for target in (each, f"{each}/")
        }
    # "/odd//" goes to Django as all that has two of them.
    owners = {"/about/", "/users/", "/odd//", "/lists/", "/a.b/c/", "/a.b/c"}
    assert told == {target: "django" if target in owners else "/" for target in told}


def test_container_s_file_differs_by_its_addresses_alone() -> None:
    with project(SITES[2], frontends_of(SITES[2])):
        direct, docker = ask("nginx", "--direct"), ask("nginx")
    assert "docker run --rm -p 8080:80" in docker
    told = docker.replace(HOST_OF_CONTAINER, "127.0.0.1").replace("listen 80;", f"listen {OWN};")
    assert told[told.index(SAME) :] == direct[direct.index(SAME) :]


@pytest.mark.parametrize(
    ("host", "direct", "docker"),
    [
        ("0.0.0.0", "0.0.0.0", HOST_OF_CONTAINER),
        ("[::]", "[::]", HOST_OF_CONTAINER),
        ("127.0.0.2", "127.0.0.2", HOST_OF_CONTAINER),
        ("App.localhost", "localhost", HOST_OF_CONTAINER),
        ("localhost.", "localhost", HOST_OF_CONTAINER),
        ("notlocalhost", "notlocalhost", "notlocalhost"),
        ("10.0.0.7", "10.0.0.7", "10.0.0.7"),
        ("[2001:db8::1]", "[2001:db8::1]", "[2001:db8::1]"),
    ],
)
def test_frontend_of_this_machine_is_found_by_whatever_name_it_has(
    host: str, direct: str, docker: str
) -> None:
    """libcurl knows names of it that nginx's resolver need not know."""
    with project(Site("here", {"DJANGO_PATHS": []}, [], {}), {"/": f"http://{host}:3000"}):
        for option, place in {"--direct": direct, "--docker": docker}.items():
            assert f"server {place}:3000 max_fails=0;" in ask("nginx", option)


LANGUAGES = [("en", "English"), ("ko", "Korean")]


def test_languages_are_spelled_out_and_a_regex_beats_no_longer_literal() -> None:
    patterns = [
        *i18n_patterns(path("shop/", include(INNER))),
        re_path(r"^ko/s(\d+)/$", view),
        re_path(r"^.*\.html$", view),
        path("a.html", view),
    ]
    site = Site("languages", {"FRONTEND": ["/", "/ko/shop/cart"]}, patterns, {})
    with project(site, frontends_of(site), LANGUAGES=LANGUAGES):
        text = ask("nginx", "--direct")
    passed = dict(re.findall(r"location (.*) \{\n +proxy_pass http://(.*);", text))
    assert passed["^~ /en/shop/"] == passed["^~ /ko/shop/"] == "django"
    assert passed["^~ /ko/shop/cart/"] == "frontend_1"
    assert passed["= /a.html"] == passed["^~ /ko/s"] == passed["^~ /"] == "django"
    assert "~ ^" not in text.partition("@django")[2]


def test_folder_is_django_s_to_answer(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<!doctype html>")
    site = Site("folder", {"DJANGO_PATHS": ["/api"]}, [], {})
    with project(site, {"/": str(tmp_path), "/shop": nobody()}):
        text = ask("nginx", "--direct")
    assert re.findall(r"location (.*) \{\n +proxy_pass (.*);", text) == [
        ("@django", "http://django"),
        ("^~ /", "http://django"),
        ("= /api", "http://django"),
        ("^~ /api/", "http://django"),
        ("= /shop", "http://frontend_1"),
        ("^~ /shop/", "http://frontend_1"),
    ]
    assert str(tmp_path) not in text
    assert "not-started" not in text


# Where nginx has error pages and redirects of its own to offer.
OF_A_FOLDER = (
    "/",
    "/no/page",
    "/no.js",
    "/docs",
    "/docs?a=b",
    "//no/page",
    "/docs%2F",
    "/x/../docs",
)


@pytest.mark.parametrize("page", ["404.html", "200.html"])
def test_pages_of_a_folder_are_those_that_the_middleware_answers(page: str, tmp_path: Path) -> None:
    folder = tmp_path / "dist"
    (folder / "docs").mkdir(parents=True)
    for name in ("index.html", "docs/index.html", page):
        (folder / name).write_text(f"<!doctype html>{name}")
    site, frontends, port = Site("built", {}, [], {}), {"/": str(folder)}, free_port()
    with project(site, frontends):
        text = ask("nginx", "--direct").replace(OWN, f"127.0.0.1:{port}")
    with serving("gthread", {"FRONTEND": frontends}) as django:
        text = text.replace("127.0.0.1:8000", f"127.0.0.1:{django.port}")
        with running(tmp_path, text, port):
            told = [
                [(each.status, each.body, each.get("Location")) for each in answers]
                for answers in (
                    [get(number, target, "Accept: text/html") for target in OF_A_FOLDER]
                    for number in (django.port, port)
                )
            ]
    assert told[0] == told[1]
    status = int(page.removesuffix(".html"))
    assert told[0][1] == (status, f"<!doctype html>{page}".encode(), None)


@pytest.mark.parametrize("kind", ["gthread", *asgi_servers.plain("uvicorn")])
def test_script_name_that_is_forced_is_for_the_server_to_take_off(
    kind: str, tmp_path: Path
) -> None:
    """As Django does under ASGI, and gunicorn does by an environment of its own."""
    placed, port = {"FORCE_SCRIPT_NAME": "/site", "STATIC_URL": "/site/static/"}, free_port()
    paths = ("/api/hello/", "/api", "/about/", "/static/x", "/shop/x", "/site", "/x", "", "/")
    targets = [*(f"/site{each}" for each in paths), "/api/", "/x", "/shop/x", "/siteapi/"]
    with ExitStack() as stack:
        frontends = {
            prefix: stack.enter_context(scripted(naming(prefix))).url
            for prefix in ("/", "/shop", "/site/site")
        }
        with project(Site("placed", {}, urlpatterns, {}), frontends, **placed):
            text = ask("nginx", "--direct").replace(OWN, f"127.0.0.1:{port}")
        settings = {"TEST_SETTINGS": json.dumps(placed)}
        django = stack.enter_context(serving(kind, {"FRONTEND": frontends}, **settings))
        text = text.replace("127.0.0.1:8000", f"127.0.0.1:{django.port}")
        stack.enter_context(running(tmp_path, text, port))
        direct, told = (
            {target: owner_in(ask_nginx(number, target), frontends) for target in targets}
            for number in (django.port, port)
        )
    assert told == direct


def test_text_that_nginx_would_read_as_its_own_is_quoted() -> None:
    site = Site("quoted", {"DJANGO_PATHS": ["/a b", '/c;"d"', "/e{f}", "/g$h"]}, [], {})
    with project(site, frontends_of(site)):
        text = ask("nginx", "--direct")
    located = re.findall(r"location \^~ (.*) \{$", text, re.MULTILINE)
    assert located == ["/", '"/a b/"', '"/c;\\"d\\"/"', '"/e{f}/"', '"/g$h/"']
