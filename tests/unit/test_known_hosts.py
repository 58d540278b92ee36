"""Hosts that Django allows are asked about once, those it refuses each time; and its rule."""

from __future__ import annotations

import pytest
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, request
from django.test import RequestFactory, override_settings

from samesite_proxy.proxy import allowed_hosts
from samesite_proxy.proxy.allowed_hosts import HostRequest, host_under

SERVER = ("127.0.0.1", "8000")


def test_host_is_as_django_has_it() -> None:
    with override_settings(ALLOWED_HOSTS=["site.example", "127.0.0.1"]):
        assert host_under("http", *SERVER, "site.example:8000") == "site.example:8000"
        assert host_under("http", *SERVER, None) == "127.0.0.1:8000"
        assert host_under("https", "127.0.0.1", "443", None) == "127.0.0.1"
        with pytest.raises(DisallowedHost):
            host_under("http", *SERVER, "site.example,127.0.0.1")


def test_host_is_asked_about_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Counted(HostRequest):
        def get_host(self) -> str:
            asked.append(self.META["HTTP_HOST"])
            return super().get_host()

    monkeypatch.setattr(allowed_hosts, "HostRequest", Counted)  # Looked up at each call.
    with override_settings(ALLOWED_HOSTS=["site.example"]):
        host_of = allowed_hosts.known_hosts()
        assert host_of is not None
        for _ in range(3):
            assert host_of("http", *SERVER, "site.example") == "site.example"
            with pytest.raises(DisallowedHost):
                host_of("http", *SERVER, "evil.example")
    assert asked == ["site.example", *["evil.example"] * 3]


def test_what_a_test_allows_is_asked_again() -> None:
    host_of = allowed_hosts.known_hosts()
    assert host_of is not None
    with override_settings(ALLOWED_HOSTS=["site.example"]):
        assert host_of("http", *SERVER, "site.example") == "site.example"
        with override_settings(ALLOWED_HOSTS=[]), pytest.raises(DisallowedHost):
            host_of("http", *SERVER, "site.example")


@pytest.mark.parametrize(
    "setting",
    [
        {"USE_X_FORWARDED_HOST": True},
        {"SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https")},
    ],
    ids=["host", "scheme"],
)
def test_nothing_is_known_where_other_fields_tell(setting: dict[str, object]) -> None:
    with override_settings(**setting):
        assert allowed_hosts.known_hosts() is None


NAMES = (
    *("localhost", "LOCALHOST", "localhost.", "localhost..", ".localhost", "a.localhost"),
    *("alocalhost", "a.b.LocalHost.", "localhost.evil.example", "a_b.localhost", "*.localhost"),
    *("127.0.0.1", "127.0.0.1.", "127.0.0.01", "127.1", "[::1]", "[::1].", "[::1", "::1", "[]"),
    *("[:]", "[::ffff:127.0.0.1]", "[::G]", "[fe80::1%25lo]", "site.example", "SITE.Example"),
    *("www.site.example", "xsite.example", "site.example.", "example", "localhost,evil.example"),
    *("evil.example#localhost", "evil.example/localhost", "evil.example?localhost", "%6cocalhost"),
    *("user@localhost", "user:x@localhost", "localhost@evil.example", "b\xfccher.example"),
    *("xn--bcher-kva.example", "-", ".", "..", "", "*", " localhost", "localhost ", "local host"),
    *("localhost\t", "localhost\n", "local\0host", "\u212aelvin.localhost", "\u0130.localhost"),
    *("localhost\u3002", "\uff4cocalhost", "a" * 300),
)
PORTS = (
    *("", ":", ":80", ":0", ":65536", ":080", ":abc", ":-1", ":8 0", ":80:80", ":\u0661", ":80\n"),
)
ALLOWED: tuple[list[str], ...] = (
    [],
    ["*"],
    ["localhost", "127.0.0.1", "[::1]"],
    [".localhost", ".SITE.example", "[::ffff:127.0.0.1]"],
    ["site.example.", ".", "", "b\xfccher.example", "xn--bcher-kva.example", "::1"],
    ["*.localhost", "a_b.localhost", ".127.0.0.1", "localhost:80", "..localhost", "Site.Example"],
)


def is_djangos_word(sent: str) -> bool:
    try:
        RequestFactory().get("/", headers={"Host": sent}).get_host()
    except DisallowedHost:
        return False
    return True


@pytest.mark.parametrize("debug", [True, False], ids=["debug", "no debug"])
@pytest.mark.parametrize("allowed", ALLOWED, ids=str)
def test_rule_is_djangos(allowed: list[str], debug: bool) -> None:
    with override_settings(ALLOWED_HOSTS=allowed, DEBUG=debug):
        rule = allowed_hosts.patterns()
        assert rule is not None
        words = {name + port: is_djangos_word(name + port) for name in NAMES for port in PORTS}
    assert {sent: allowed_hosts.is_allowed(sent, rule) for sent in words} == words
    assert any(words.values()) == bool(allowed or debug)
    assert not all(words.values())


class OwnName(str):
    __slots__ = ()


class OwnList(list[str]):
    pass


@pytest.mark.parametrize(
    "allowed", [["localhost", OwnName(".site.example")], OwnList(["localhost"])], ids=str
)
def test_there_is_no_rule_where_patterns_may_compare_by_themselves(allowed: list[str]) -> None:
    with override_settings(ALLOWED_HOSTS=allowed):
        assert allowed_hosts.patterns() is None


@pytest.mark.parametrize(
    ("where", "name"),
    [(HttpRequest, "get_host"), (request, "validate_host"), (request, "split_domain_port")],
    ids=str,
)
def test_there_is_no_rule_where_a_project_has_put_its_own(
    where: object, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(where, name, lambda *_: "localhost")
    assert allowed_hosts.patterns() is None
