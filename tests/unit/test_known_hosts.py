"""Hosts that Django allows are asked about once, those it refuses each time."""

from __future__ import annotations

import pytest
from django.core.exceptions import DisallowedHost
from django.test import override_settings

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
