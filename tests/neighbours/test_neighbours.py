"""Third-party software beside ours, as it is installed today: make neighbours."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from samesite_proxy.proxy.place import NAME
from tests.harness.django_servers import ROOT, DjangoServer, serving
from tests.harness.http_requests import Recorder
from tests.harness.raw_client import RawClient, get
from tests.harness.scripted_upstream import scripted
from tests.neighbours.projects import FLATPAGES, FRONT, OURS, WAGTAIL, manage, project
from tests.traffic.stage import request

WAYS_IN = ["runserver", "fastpath", "gthread"]
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nnone."
REDIRECTS = "wagtail.contrib.redirects.middleware.RedirectMiddleware"
FALLBACKS = ["flatpages.middleware.FlatpageFallback", "redirects.middleware.RedirectFallback"]
HOSTS = "django_hosts.middleware.HostsRequestMiddleware"
HOSTS_BACK = "django_hosts.middleware.HostsResponseMiddleware"
HOSTED = {
    "ROOT_HOSTCONF": "tests.neighbours.hosts",
    "DEFAULT_HOST": "site",
    "ALLOWED_HOSTS": ["localhost", "api.localhost"],
}


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a database with all tables."""
    folder = tmp_path_factory.mktemp("neighbours")
    urls = "tests.neighbours.wagtail_urls"
    everything = [*WAGTAIL, *FLATPAGES[-2:]]
    manage(project(folder, everything, ROOT_URLCONF=urls), "migrate", "-v0", "--skip-checks")
    return folder


def checked(environment: dict[str, str]) -> str:
    return manage(environment, "check")


def owner(server: DjangoServer, path: str, host: str = "localhost") -> str:
    """Whose a path is, by who answers."""
    return "frontend" if get(server.port, path, host=host).body == b"none." else "django"


def test_wagtail_at_the_root_is_a_warning_with_the_line_to_write(database: Path) -> None:
    urls = "tests.neighbours.wagtail_root_urls"
    said = checked(project(database, WAGTAIL, ROOT_URLCONF=urls))
    assert "samesite_proxy.W006" in said
    (line,) = re.findall(r"SAMESITE_PROXY = \{\"DJANGO_PATHS\": (\[.*?\])\}", said)
    assert json.loads(line)[-3:] == ["/cms", "/documents", "/static"]
    listed = {"DJANGO_PATHS": json.loads(line)}
    assert "samesite_proxy" not in checked(
        project(database, WAGTAIL, ROOT_URLCONF=urls, SAMESITE_PROXY=listed)
    )


@pytest.mark.parametrize("kind", WAYS_IN)
def test_wagtail_by_the_recipe_leaves_the_frontend_its_pages(database: Path, kind: str) -> None:
    urls = "tests.neighbours.wagtail_urls"
    with scripted(Recorder(NOT_FOUND)) as frontend:
        ours = {"FRONTEND": frontend.url}
        environment = project(database, WAGTAIL, ROOT_URLCONF=urls, SAMESITE_PROXY=ours)
        assert "samesite_proxy" not in checked(environment)
        with serving(kind, {}, **environment) as server:
            assert b"Wagtail" in get(server.port, "/pages/").body
            assert get(server.port, "/cms/").status == 302
            for path in ("/", "/about", "/sse", "/a/b/", "/x.js"):
                assert owner(server, path) == "frontend"


@pytest.mark.parametrize("kind", WAYS_IN)
def test_wagtails_redirects_before_ours_answer_the_frontends_404s(
    database: Path, kind: str
) -> None:
    urls = "tests.neighbours.wagtail_urls"
    late = project(database, WAGTAIL, [NAME, *FRONT, REDIRECTS], ROOT_URLCONF=urls)
    assert f"{REDIRECTS} stands after" in checked(late)
    adding = (
        "from wagtail.contrib.redirects.models import Redirect as R;"
        "R.objects.get_or_create(old_path='/old', redirect_link='/new')"
    )
    manage(late, "shell", "-c", adding)
    with scripted(Recorder(NOT_FOUND)) as frontend:
        ours = {"FRONTEND": frontend.url}
        order = [REDIRECTS, NAME, *FRONT]
        early = project(database, WAGTAIL, order, ROOT_URLCONF=urls, SAMESITE_PROXY=ours)
        assert "samesite_proxy" not in checked(early)
        with serving(kind, {}, **early) as server:
            answer = get(server.port, "/old")
            assert (answer.status, answer.get("Location")) == (301, "/new")
            assert owner(server, "/other") == "frontend"


def test_flatpages_are_named_by_their_route_and_their_middleware(database: Path) -> None:
    said = checked(project(database, FLATPAGES, ROOT_URLCONF="tests.neighbours.flat_urls"))
    assert "samesite_proxy.W002" in said
    names = [f"django.contrib.{name}Middleware" for name in FALLBACKS]
    said = checked(project(database, FLATPAGES, [NAME, *FRONT, *names]))
    assert said.count("samesite_proxy.W007") == len(names)
    assert "samesite_proxy" not in checked(project(database, FLATPAGES, [*names, NAME, *FRONT]))


@pytest.mark.parametrize("kind", WAYS_IN)
def test_hosts_before_ours_decide_whose_a_path_is(database: Path, kind: str) -> None:
    apps = [*OURS, "django_hosts"]
    late = [NAME, HOSTS, *FRONT, HOSTS_BACK]
    said = checked(project(database, apps, late, **HOSTED))
    assert said.count("samesite_proxy.W007") == 1
    assert f"{HOSTS} stands after" in said
    with scripted(Recorder(NOT_FOUND)) as frontend:
        early = project(
            *(database, apps, [HOSTS, NAME, *FRONT, HOSTS_BACK]),
            **HOSTED,
            SAMESITE_PROXY={"FRONTEND": frontend.url},
        )
        assert "samesite_proxy" not in checked(early)
        with serving(kind, {}, **early) as server:
            assert owner(server, "/only-here/", "api.localhost") == "django"
            assert owner(server, "/about/", "api.localhost") == "frontend"
            assert owner(server, "/only-here/") == "frontend"
            assert owner(server, "/about/") == "django"


def test_tenants_after_ours_are_named(database: Path) -> None:
    tenants = "django_tenants.middleware.main.TenantMainMiddleware"
    said = checked(project(database, OURS, [NAME, tenants, *FRONT]))
    assert f"{tenants} stands after" in said


@pytest.mark.parametrize(
    ("name", "setting", "value"),
    [
        ("csp.middleware.CSPMiddleware", "CONTENT_SECURITY_POLICY", {"DIRECTIVES": {}}),
        (
            "django_permissions_policy.PermissionsPolicyMiddleware",
            "PERMISSIONS_POLICY",
            {"camera": []},
        ),
    ],
)
def test_policies_that_pages_of_the_frontend_do_not_get_are_named(
    database: Path, name: str, setting: str, value: Any
) -> None:
    said = checked(project(database, OURS, [NAME, *FRONT, name], **{setting: value}))
    assert "samesite_proxy.W005" in said
    assert f"{setting} ({name})" in said
    assert "samesite_proxy.W005" not in checked(
        project(database, OURS, [name, NAME, *FRONT], **{setting: value})
    )


def test_telemetry_is_told_how_to_stand_behind_and_then_does(database: Path) -> None:
    environment = project(database, OURS)
    module = "tests.neighbours.telemetry"
    said = manage(environment, "check", module=module)
    found = re.search(r"OTEL_PYTHON_DJANGO_MIDDLEWARE_POSITION=(\d+)", said)
    assert found is not None, said
    name, _, value = found[0].partition("=")
    assert "samesite_proxy" not in manage({**environment, name: value}, "check", module=module)


def test_compression_of_others_holds_no_event(database: Path) -> None:
    """Those that look for an encoding as Django's does: all that we know of."""
    compression = "compression_middleware.middleware.CompressionMiddleware"
    events = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n"
    with scripted(Recorder(events)) as frontend:
        environment = project(
            *(database, OURS, [compression, NAME, *FRONT]),
            SAMESITE_PROXY={"FRONTEND": frontend.url},
        )
        with serving("gthread", {}, **environment) as server, RawClient(server.port) as client:
            client.send(request("GET", "/events", "Accept-Encoding: gzip, br, zstd"))
            seen = client.read_until(b"data: 1\n\n")  # And the answer goes on.
    assert b"content-encoding" not in seen.lower()


def test_django_vite_by_the_recipe_writes_addresses_of_one_origin(database: Path) -> None:
    text = (ROOT / "docs/routing.md").read_text()
    (recipe,) = re.findall(r"^```python\n(DJANGO_VITE = .*?)^```", text, re.M | re.S)
    with scripted(Recorder()) as frontend:
        said: dict[str, Any] = {"DEBUG": True}
        exec(recipe.replace("http://localhost:5173", frontend.url), said)
        environment = project(
            *(database, [*OURS, "django_vite"]),
            DJANGO_VITE=said["DJANGO_VITE"],
            STATIC_ROOT=str(database / "static"),
            SAMESITE_PROXY=said["SAMESITE_PROXY"],
        )
        assert "samesite_proxy" not in checked(environment)
        tag = (
            "from django_vite.templatetags.django_vite import vite_asset as v; print(v('main.js'))"
        )
        html = manage(environment, "shell", "-v0", "-c", tag)
        (target,) = re.findall(r'src="http://localhost:8000(/[^"]+)"', html)
        assert target == "/static/bundle/main.js"
        with serving("fastpath", {}, **environment) as server:
            assert get(server.port, target).body == b"ok"
