"""The frontends in SAMESITE_PROXY: where each is, and whose paths go to it."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from samesite_proxy.conf.values import (
    InvalidValue,
    has_controls,
    is_encodable,
    parse_folder,
    parse_prefix,
)

DEFAULT_PORTS = {"http": 80, "https": 443}
LOOPBACK = ("127.0.0.1", "::1")
LOOPBACK_NAMES = frozenset({"localhost", *LOOPBACK})
# A server that is bound to every address names itself so.
ANY_ADDRESS_NAMES = frozenset({"0.0.0.0", "::"})
# In the environment: by the prefixes of those that COMMAND starts their addresses, "" for none yet,
# null for none any more.
WHEREABOUTS = "SAMESITE_PROXY_FRONTENDS"
# What can be connected to at no time, for a frontend that has no address yet.
NOWHERE = "/dev/null/not-started"

# What a URL is made of (RFC 3986, 2); urlsplit drops line ends silently.
_ADDRESS = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
# What a resolver can be asked for; an underscore is not in the rules, but in containers' names.
_NAME = re.compile(r"(?=.{1,254}\Z)([a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}\.?")

# A Unix socket's path has so many bytes at most (sockaddr_un), and its NUL behind them.
LONGEST_SOCKET_PATH = 107 if sys.platform == "linux" else 103


@dataclass(frozen=True)
class Frontend:
    """One frontend server: the paths below `prefix` go to it."""

    prefix: str
    url: str  # scheme://host:port/, as libcurl takes it
    address: str  # as the user wrote it, for messages
    unix_socket: str | None = None
    loop_token: str | None = None  # by which a request that comes back from it is known
    is_commanded: bool = False  # runserver starts it, and then says where it is
    is_given_up: bool = False  # It does so no more.
    folder: str | None = None  # It is files, and there is no server.

    @property
    def scheme(self) -> str:
        return urlsplit(self.url).scheme

    @property
    def authority(self) -> str:
        return urlsplit(self.url).netloc

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or DEFAULT_PORTS[self.scheme]

    @property
    def name(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def is_awaited(self) -> bool:
        """Whether it has no address yet: it is being started, or started again."""
        return self.is_commanded and self.unix_socket == NOWHERE and not self.is_given_up

    @property
    def is_here(self) -> bool:
        """Whether it is at a port of this machine's."""
        return self.unix_socket is None and self.name in LOOPBACK_NAMES

    @property
    def at_localhost(self) -> str:
        """The same port of this machine, by the name that stands for both families."""
        return f"{self.scheme}://localhost:{self.port}"

    def at(self, port: int) -> str:
        """Its address, were it at this port of the same host."""
        if port == self.port:
            return self.address
        return self.under(self.name, port)

    def under(self, name: str, port: int) -> str:
        """Its address, were this its host."""
        return f"{self.scheme}://{f'[{name}]' if ':' in name else name}:{port}"


def parse_socket_path(path: str) -> str:
    if not path.startswith("/"):
        raise InvalidValue(f"{path!r} is not the absolute path of a socket")
    if path.endswith("/") or has_controls(path) or not is_encodable(path):
        raise InvalidValue(f"{path!r} cannot be a socket's path")
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        raise InvalidValue(f"{path!r} is longer than {LONGEST_SOCKET_PATH} bytes")
    return path


def parse_frontend(prefix: str, address: object) -> Frontend:
    if isinstance(address, Path) or (isinstance(address, str) and address.startswith("/")):
        folder = parse_folder(str(address))
        return Frontend(prefix, "http://localhost/", folder, NOWHERE, folder=folder)
    if not isinstance(address, str):
        raise InvalidValue(f"{address!r} is not a URL")
    if address.startswith("unix:"):
        socket = parse_socket_path(address.removeprefix("unix:"))
        return Frontend(prefix, "http://localhost/", address, socket)
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        reason = "" if "@" in address else f": {error}"  # Which may quote a part of a password.
        raise InvalidValue(f"{address!r} is not a URL{reason}") from error
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or not _ADDRESS.fullmatch(address):
        raise InvalidValue(f"{address!r} is not an http or https URL")
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise InvalidValue(f"{address!r} has more than a scheme, a host and a port")
    if port == 0 or not (":" in parts.hostname or _NAME.fullmatch(parts.hostname)):
        raise InvalidValue(f"{address!r} is nowhere that a connection can be made to")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    authority = host if port is None else f"{host}:{port}"
    return Frontend(prefix, f"{parts.scheme}://{authority}/", address)


def parse_frontends(value: object) -> tuple[Frontend, ...]:
    if value is None:
        return ()
    if not isinstance(value, Mapping):
        return (parse_frontend("/", value),)
    prefixes = [(parse_prefix(prefix).rstrip("/") or "/", url) for prefix, url in value.items()]
    frontends = {prefix: parse_frontend(prefix, url) for prefix, url in prefixes}
    if "/" not in frontends:
        raise InvalidValue('no frontend for "/"')
    if len(frontends) < len(value):
        raise InvalidValue("the same prefix twice")
    return tuple(frontends.values())


def now_at(
    frontends: Iterable[Frontend], told: Mapping[str, str | None] | None = None
) -> tuple[Frontend, ...]:
    """Where they are, by the word of the process that starts them."""
    if told is None:
        told = json.loads(os.environ.get(WHEREABOUTS, "{}"))
    return tuple(
        _moved(frontend, told[frontend.prefix])
        if frontend.is_commanded and frontend.prefix in told
        else frontend
        for frontend in frontends
    )


def where_now(frontend: Frontend) -> Frontend:
    """The same, where it is by now."""
    return now_at((frontend,))[0] if frontend.is_commanded else frontend


def _moved(frontend: Frontend, address: str | None) -> Frontend:
    if not address:
        return replace(frontend, unix_socket=NOWHERE, is_given_up=address is None)
    found = parse_frontend(frontend.prefix, address)
    return replace(found, loop_token=frontend.loop_token, is_commanded=True)
