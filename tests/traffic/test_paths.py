"""The one table of path-matching cases, through the real servers."""

from __future__ import annotations

from contextlib import ExitStack
from urllib.parse import quote

import pytest

from tests.harness.django_servers import DjangoServer, serving
from tests.harness.raw_client import RawClient
from tests.harness.scripted_upstream import answering, scripted
from tests.unit.path_cases import SITES, Site


def frontends_of(site: Site, stack: ExitStack) -> dict[str, str]:
    """A frontend for each prefix, which answers by its prefix."""
    urls = {}
    for prefix in site.proxy.get("FRONTEND", ["/"]):
        body = prefix.encode()
        head = b"HTTP/1.1 200 OK\r\nX-Frontend: %b\r\nContent-Length: %d\r\n\r\n" % (
            body,
            len(body),
        )
        urls[prefix] = stack.enter_context(scripted(answering(head + body))).url
    return urls


def owner_of(server: DjangoServer, path_info: str) -> str:
    method = "OPTIONS" if path_info == "*" else "GET"
    target = path_info if path_info == "*" else quote(path_info, safe="/@.")
    with RawClient(server.port) as client:
        client.send(f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        return client.read_answer().get("X-Frontend") or "django"


def expected(site: Site, kind: str) -> dict[str, str]:
    """What a server leaves of the table, since it acts before anything of ours."""
    owners = dict(site.owners)
    if kind in ("runserver", "fastpath"):  # staticfiles answers below STATIC_URL.
        owners = {p: owner for p, owner in owners.items() if not p.startswith("/static/")}
    return owners


@pytest.mark.parametrize("kind", ["runserver", "fastpath", "gthread", "waitress", "granian"])
@pytest.mark.parametrize("site", SITES, ids=lambda site: site.name)
def test_owner_is_as_the_table_says(site: Site, kind: str) -> None:
    with ExitStack() as stack:
        proxy = {**site.proxy, "FRONTEND": frontends_of(site, stack)}
        environment = {"TEST_URLCONF": "tests.project.site_urls", "TEST_SITE": site.name}
        server = stack.enter_context(serving(kind, proxy, **environment))
        paths = expected(site, kind)
        assert {path_info: owner_of(server, path_info) for path_info in paths} == paths
