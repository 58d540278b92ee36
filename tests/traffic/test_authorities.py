"""Whose word on a frontend's certificate counts: CA_FILE's, or that of Python's OpenSSL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.django_servers import serving
from tests.harness.http_requests import Recorder
from tests.harness.raw_client import get
from tests.harness.scripted_upstream import ScriptedUpstream, scripted
from tests.harness.tls import (
    Certificate,
    folders_may_be_listed,
    make_certificate,
    over_tls,
    rehashed,
)

# Of two folders in the variable the second has the certificate.
TRUSTS = {
    "file": {"SSL_CERT_FILE": "{path}", "SSL_CERT_DIR": ""},
    "folder": {"SSL_CERT_FILE": "", "SSL_CERT_DIR": "{folder}"},
    "folders": {"SSL_CERT_FILE": "", "SSL_CERT_DIR": "{empty}:{folder}"},
    "nobody": {"SSL_CERT_FILE": "", "SSL_CERT_DIR": "{empty}"},
    "another": {"SSL_CERT_FILE": "{other}", "SSL_CERT_DIR": ""},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("authorities")


@pytest.fixture(scope="module")
def certificate(folder: Path) -> Certificate:
    return make_certificate(folder, "localhost")


@pytest.fixture(scope="module")
def upstream(certificate: Certificate) -> Iterator[ScriptedUpstream]:
    with scripted(over_tls(certificate.context, Recorder())) as upstream:
        yield upstream


@pytest.fixture(scope="module")
def places(folder: Path, certificate: Certificate) -> dict[str, str]:
    for name in ("hashed", "empty"):
        (folder / name).mkdir()
    return {
        "path": certificate.path,
        "folder": rehashed(folder / "hashed", certificate),
        "empty": str(folder / "empty"),
        "other": make_certificate(folder, "other.example").path,
    }


def status_of(
    kind: str, upstream: ScriptedUpstream, environment: dict[str, str], **more: str
) -> int:
    settings = {"FRONTEND": f"https://localhost:{upstream.port}", **more}
    hosts = {"TEST_DEBUG": "", "TEST_ALLOWED_HOSTS": '["localhost"]'}
    with serving(kind, settings, **hosts, **environment) as server:
        return get(server.port, "/").status


@pytest.mark.parametrize("kind", ["gthread", "fastpath"])
@pytest.mark.parametrize("trusted", TRUSTS)
def test_authorities_are_those_of_pythons_openssl(
    upstream: ScriptedUpstream, places: dict[str, str], trusted: str, kind: str
) -> None:
    environment = {name: value.format(**places) for name, value in TRUSTS[trusted].items()}
    trusting = ["file", "folder", *(["folders"] if folders_may_be_listed() else [])]
    expected = 200 if trusted in trusting else 502
    assert status_of(kind, upstream, environment) == expected


def test_ca_file_counts_instead(upstream: ScriptedUpstream, places: dict[str, str]) -> None:
    environment = {"SSL_CERT_FILE": places["path"], "SSL_CERT_DIR": places["folder"]}
    assert status_of("gthread", upstream, environment, CA_FILE=places["other"]) == 502
    assert (
        status_of("gthread", upstream, {"SSL_CERT_FILE": places["other"]}, CA_FILE=places["path"])
        == 200
    )
