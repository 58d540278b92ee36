"""TLS around a scripted upstream, with certificates of its own."""

from __future__ import annotations

import contextlib
import ctypes
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from samesite_proxy import _engine
from tests.harness.raw_client import RawClient
from tests.harness.scripted_upstream import Connection, Script


@dataclass(frozen=True)
class Certificate:
    path: str
    key: str  # its path
    context: ssl.SSLContext


def make_certificate(folder: Path, name: str) -> Certificate:
    key, path = str(folder / f"{name}.key"), str(folder / f"{name}.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", key, "-out", path, "-days", "2", "-subj", f"/CN={name}",
         "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, key)
    return Certificate(path, key, context)


def rehashed(folder: Path, certificate: Certificate, *, link: str = "") -> str:
    """The folder, with a link to the certificate in it by the name that OpenSSL looks for."""
    command = ["openssl", "x509", "-hash", "-noout", "-in", certificate.path]
    name = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    (folder / f"{name}.0").symlink_to(link or certificate.path)
    return str(folder)


def folders_may_be_listed() -> bool:
    """Whether a CA path may name several: OpenSSL does, and a libcurl inside the engine has it."""
    version = getattr(ctypes.CDLL(_engine.__file__), "curl_version", None)
    if version is None:
        return True
    version.restype = ctypes.c_char_p
    return b"OpenSSL/" in version()


def over_tls(context: ssl.SSLContext, script: Script) -> Script:
    """The script of what is said inside TLS; its end says goodbye first."""

    def outer(connection: Connection) -> None:
        plain = connection.sock
        connection.sock = context.wrap_socket(plain, server_side=True)
        try:
            script(connection)
            connection.sock.settimeout(0.2)
            say_goodbye(connection)
        finally:
            connection.close()

    return outer


def say_goodbye(connection: Connection) -> None:
    """Sent where there still is TLS; the peer's own is not waited for."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        connection.sock.unwrap()  # type: ignore[attr-defined]


@contextlib.contextmanager
def tls_client(port: int) -> Iterator[RawClient]:
    """A client that believes every certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with RawClient(port) as client:
        client.sock = context.wrap_socket(client.sock)
        yield client
