"""What a frontend sees as Host, Origin, Referer and X-Forwarded fields: one table of cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from django.test import override_settings

from samesite_proxy import conf
from samesite_proxy.proxy.host_policy import view_of
from samesite_proxy.proxy.incoming import IncomingRequest
from samesite_proxy.proxy.outgoing import Forwarding
from samesite_proxy.proxy.redirects import Relocation


@dataclass(frozen=True)
class Case:
    """A request from a page of `own`, the site's origin in the browser, and what is seen of it."""

    own: str
    host: str
    origin: str
    referer: str
    forwarded: tuple[str, str]  # proto, host
    path: str = "/page"
    is_upgrade: bool = False
    debug: bool = True
    allowed: tuple[str, ...] = ("site.example",)
    frontend: str = "http://localhost:3000"
    host_header: str = "auto"

    @property
    def authority(self) -> str:
        return self.own.partition("//")[2]

    @property
    def scheme(self) -> str:
        return self.own.partition(":")[0]

    def settings(self) -> conf.Settings:
        keys = {"FRONTEND": self.frontend, "HOST_HEADER": self.host_header}
        with override_settings(
            DEBUG=self.debug, ALLOWED_HOSTS=list(self.allowed), SAMESITE_PROXY=keys
        ):
            settings, problems = conf.read()
        assert settings is not None, problems
        return settings

    def incoming(self, *fields: tuple[str, str]) -> IncomingRequest:
        received = [("Host", self.authority), *fields]
        where = (self.scheme, self.authority)
        return IncomingRequest(received, self.path, "127.0.0.1", *where, self.is_upgrade)

    def forwarded_fields(self, *fields: tuple[str, str]) -> dict[str, list[str]]:
        """The fields that the frontend sees, by name."""
        settings, incoming = self.settings(), self.incoming(*fields)
        view = view_of(settings, incoming, settings.frontends[0])
        found: dict[str, list[str]] = {}
        for name, value in Forwarding(settings).fields(incoming, view):
            found.setdefault(name, []).append(value)
        return found


def parts(origin: str) -> tuple[str, str]:
    scheme, _, authority = origin.partition("://")
    return scheme, authority


def kept(own: str, **more: Any) -> Case:
    return Case(own, parts(own)[1], own, own, parts(own), **more)


def with_host(own: str, host: str, **more: Any) -> Case:
    """Host alone is another one."""
    return Case(own, host, own, own, parts(own), **more)


def with_origin(own: str, origin: str, **more: Any) -> Case:
    """Origin alone is the alias's."""
    return Case(own, parts(own)[1], origin, own, parts(own), **more)


def with_host_and_origin(own: str, alias: str, **more: Any) -> Case:
    return Case(own, parts(alias)[1], alias, own, parts(own), is_upgrade=True, **more)


def aliased(own: str, alias: str, **more: Any) -> Case:
    """The alias is all that the frontend sees."""
    return Case(own, parts(alias)[1], alias, alias, parts(alias), **more)


LOCAL, IP, IP6 = "http://localhost:8000", "http://127.0.0.1:8000", "http://[::1]:8000"
SITE, ANY = "http://site.example:8000", "http://evil.example:8000"
UPGRADE: dict[str, Any] = {"is_upgrade": True}
PRODUCTION: dict[str, Any] = {"debug": False}
ALL_ALLOWED: dict[str, Any] = {"allowed": ("localhost", "*")}

CASES = {
    # localhost and what is below it: all is kept.
    "localhost": kept(LOCAL),
    "localhost-without-port": kept("http://localhost"),
    "localhost-in-capitals": kept("http://LocalHost:8000"),
    "localhost-upgrade": kept(LOCAL, **UPGRADE),
    "localhost-next-dev": kept(LOCAL, path="/_next/hmr"),
    "localhost-tls-in-front": kept("https://localhost:8443"),
    "below-localhost": kept("http://app.localhost:8000"),
    "below-localhost-upgrade": kept("http://app.localhost:8000", **UPGRADE),
    # IP literals: an upgrade and Next's dev endpoints see the alias, nothing else does.
    "ip": kept(IP),
    "ip-of-a-lan": kept("http://192.168.1.5:8000"),
    "ip-6": kept(IP6),
    "ip-tls-in-front": kept("https://127.0.0.1:8443"),
    "ip-upgrade": with_host_and_origin(IP, LOCAL),
    "ip-upgrade-without-port": with_host_and_origin("http://127.0.0.1", "http://localhost"),
    "ip-upgrade-of-a-lan": with_host_and_origin("http://192.168.1.5:8000", LOCAL),
    "ip-6-upgrade": with_host_and_origin(IP6, LOCAL),
    "ip-upgrade-any-host": with_host_and_origin(IP, LOCAL, **ALL_ALLOWED),
    "ip-upgrade-tls-in-front": with_host_and_origin("https://127.0.0.1:8", "https://localhost:8"),
    "ip-next-dev": with_origin(IP, LOCAL, path="/_next/static/x.js"),
    "ip-next-dev-tools": with_origin(IP6, LOCAL, path="/__nextjs_font/x.woff2"),
    "ip-next-upgrade": with_host_and_origin(IP, LOCAL, path="/_next/hmr"),
    "ip-no-next-dev": kept(IP, path="/_nextdoor/x"),
    "ip-no-next-dev-below": kept(IP, path="/docs/_next/x"),
    "ip-upgrade-in-production": kept(IP, **UPGRADE, **PRODUCTION),
    "ip-next-dev-in-production": kept(IP, path="/_next/x", **PRODUCTION),
    # Any other allowed name: the alias everywhere, with the scheme spoken with the frontend.
    "name": aliased(SITE, LOCAL),
    "name-without-port": aliased("http://site.example", "http://localhost"),
    "name-in-capitals": aliased("http://Site.Example:8000", LOCAL),
    "name-upgrade": aliased(SITE, LOCAL, **UPGRADE),
    "name-next-dev": aliased(SITE, LOCAL, path="/_next/x"),
    "name-that-ends-like-localhost": aliased("http://notlocalhost:8000", LOCAL),
    "name-that-begins-like-localhost": aliased("http://localhost.site.example:8000", LOCAL),
    "name-tls-in-front": aliased("https://site.example", "http://localhost"),
    "name-tls-behind": aliased(SITE, "https://localhost:8000", frontend="https://localhost:3000"),
    "name-unix": aliased(SITE, LOCAL, frontend="unix:/run/frontend.sock"),
    "name-in-production": kept(SITE, **PRODUCTION),
    "name-upgrade-in-production": kept(SITE, **UPGRADE, **PRODUCTION),
    # Where every name is allowed, the frontend's own defence is the only one.
    "any-name": kept(ANY, **ALL_ALLOWED),
    "any-name-upgrade": kept(ANY, **UPGRADE, **ALL_ALLOWED),
    # Other values of HOST_HEADER change Host alone.
    "preserve": kept(SITE, host_header="preserve"),
    "preserve-ip-upgrade": kept(IP, host_header="preserve", **UPGRADE),
    "frontend": with_host(SITE, "localhost:3000", host_header="frontend"),
    "frontend-in-production": with_host(
        LOCAL, "localhost:3000", host_header="frontend", **PRODUCTION
    ),
    "literal": with_host(SITE, "x.example:1", host_header="x.example:1"),
}

ALL = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@ALL
def test_frontend_sees_the_site(case: Case) -> None:
    page = ("Origin", case.own), ("Referer", f"{case.own}/from?here#not")
    seen = case.forwarded_fields(*page)
    assert seen["Host"] == [case.host]
    assert seen["Origin"] == [case.origin]
    assert seen["Referer"] == [f"{case.referer}/from?here#not"]
    assert (*seen["X-Forwarded-Proto"], *seen["X-Forwarded-Host"]) == case.forwarded


FOREIGN = [
    "null",
    "",
    "http://evil.com",
    "http://site.example:8000.evil.com",
    "http://site.example:8001",
    "http://x@site.example:8000",
    "http://localhost:3000",
    "http://localhost:3000/http://site.example:8000",
    "//site.example:8000",
    "site.example:8000",
    "chrome-extension://abcdef",
    "http://[broken",
]


@ALL
def test_foreign_origin_crosses_untouched(case: Case) -> None:
    for foreign in FOREIGN:
        seen = case.forwarded_fields(("Origin", foreign), ("Referer", foreign))
        assert (seen["Origin"], seen["Referer"]) == ([foreign], [foreign])


@ALL
def test_own_origin_is_told_by_its_authority_whatever_its_scheme(case: Case) -> None:
    other = "http" if case.scheme == "https" else "https"
    page = f"{other}://{case.authority.upper()}"
    seen = case.forwarded_fields(("Origin", page))
    assert seen["Origin"] == [page if case.origin == case.own else case.origin]


@ALL
def test_redirect_to_what_the_frontend_takes_the_site_for_comes_back(case: Case) -> None:
    settings, incoming = case.settings(), case.incoming()
    frontend = settings.frontends[0]
    view = view_of(settings, incoming, frontend)
    for scheme in ("http", "https"):
        fields = [("Location", f"{scheme}://{case.host}/there")]
        located = Relocation(settings).fields(fields, frontend, incoming.origin, view.alias_host)
        is_the_browsers = case.host == case.authority
        assert located == (fields if is_the_browsers else [("Location", "/there")])


@pytest.mark.parametrize(("alias", "location"), [("x.example:80", "x.example"), ("x", "x:80")])
def test_default_port_of_a_redirect_need_not_be_said(alias: str, location: str) -> None:
    case = kept(LOCAL)
    settings = case.settings()
    fields = [("Location", f"http://{location}/there")]
    located = Relocation(settings).fields(fields, settings.frontends[0], LOCAL, alias)
    assert located == [("Location", "/there")]


def test_port_that_a_trusted_proxy_names_is_no_part_of_the_alias() -> None:
    keys = {"TRUSTED_PROXIES": ["127.0.0.1"]}
    for case in (aliased(SITE, LOCAL), kept(LOCAL)):
        with override_settings(DEBUG=True, ALLOWED_HOSTS=["site.example"], SAMESITE_PROXY=keys):
            settings, _ = conf.read()
        assert settings is not None
        incoming = case.incoming(("X-Forwarded-Port", "443"), ("X-Forwarded-Server", "front"))
        view = view_of(settings, incoming, settings.frontends[0])
        names = {name for name, _ in Forwarding(settings).fields(incoming, view)}
        assert ("X-Forwarded-Port" in names) == (case.own == LOCAL)
        assert "X-Forwarded-Server" in names


def test_port_that_is_none_is_left_to_the_frontend() -> None:
    """Django's check of a host counts no digits."""
    seen = aliased("http://site.example:99999", LOCAL).forwarded_fields()
    assert seen["Host"] == ["localhost:99999"]


def test_request_without_host_is_seen_at_the_servers_own_address() -> None:
    settings = kept(LOCAL).settings()
    incoming = IncomingRequest([], "/", "127.0.0.1", "http", "localhost:8000")
    view = view_of(settings, incoming, settings.frontends[0])
    assert Forwarding(settings).fields(incoming, view)[0] == ("Host", "localhost:8000")
