"""The settings in SAMESITE_PROXY: read once, into one frozen object, or refused with reasons."""

from __future__ import annotations

import difflib
import ipaddress
import json
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings as django_settings

from samesite_proxy.conf.loop_token import token_of
from samesite_proxy.conf.values import (
    InvalidValue,
    is_encodable,
    parse_ca_file,
    parse_flag,
    parse_folder,
    parse_host_header,
    parse_max_connections,
    parse_names,
    parse_paths,
    parse_prefix,
    parse_seconds,
    parse_trusted,
)

if TYPE_CHECKING:  # What a project does not use is not imported.
    from samesite_proxy.conf.commands import Command

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

DEFAULT_PORTS = {"http": 80, "https": 443}
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
# A server that is bound to every address names itself so.
ANY_ADDRESS_NAMES = frozenset({"0.0.0.0", "::"})
SMALL_POOL = 256
# In the environment: where the frontends are that COMMAND starts, by their prefixes.
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
class Problem:
    """What is wrong with one setting: a stable id, a sentence, and what to write instead."""

    id: str
    message: str
    hint: str


def is_set_up_for_tests() -> bool:
    """Whether this process is in Django's test environment: its test runner's, pytest-django's."""
    module = sys.modules.get("django.test.utils")
    return hasattr(getattr(module, "_TestState", None), "saved_data")


@dataclass(frozen=True)
class Frontend:
    """One frontend server: the paths below `prefix` go to it."""

    prefix: str
    url: str  # scheme://host:port/, as libcurl takes it
    address: str  # as the user wrote it, for messages
    unix_socket: str | None = None
    loop_token: str | None = None  # by which a request that comes back from it is known
    is_commanded: bool = False  # runserver starts it, and then says where it is
    folder: str | None = None  # It is files, and there is no server.

    @property
    def authority(self) -> str:
        return urlsplit(self.url).netloc

    @property
    def port(self) -> int:
        parts = urlsplit(self.url)
        return parts.port or DEFAULT_PORTS[parts.scheme]

    @property
    def name(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def is_awaited(self) -> bool:
        """Whether it has no address: it is being started, or has ended."""
        return self.is_commanded and self.unix_socket == NOWHERE

    @property
    def at_localhost(self) -> str:
        """The same port of this machine, by the name that stands for both families."""
        return f"{urlsplit(self.url).scheme}://localhost:{self.port}"


@dataclass(frozen=True)
class Settings:
    """SAMESITE_PROXY, checked and complete. Times are seconds."""

    frontends: tuple[Frontend, ...]  # empty: off
    django_paths: tuple[str, ...] | None = None  # None: from the URLconf
    host_header: str = "auto"
    frontend_names: tuple[str, ...] = ()
    connect_timeout: float = 5
    response_timeout: float = 60
    idle_timeout: float = 300
    max_connections: int = 4096
    ca_file: str | None = None
    trusted_networks: tuple[Network, ...] = ()
    trusts_unix: bool = False
    in_tests: bool = False
    debug: bool = False
    own_page: str = ""  # What a visitor sees without DEBUG when the frontend fails; "": a line.
    allows_any_host: bool = False
    commands: tuple[Command, ...] = ()

    @property
    def are_in_force(self) -> bool:
        """False where a request is answered as if there were no frontends: in tests, unless they
        want it. The environment of tests may be set up after an application was built."""
        return self.in_tests or not is_set_up_for_tests()

    def trusts(self, peer: str) -> bool:
        """Whether the forwarding fields of `peer` are believed; "" is a Unix socket's."""
        if not peer:
            return self.trusts_unix
        if not self.trusted_networks:
            return False
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self.trusted_networks)


def parse_socket_path(path: str) -> str:
    if not path.startswith("/"):
        raise InvalidValue(f"{path!r} is not the absolute path of a socket")
    if path.endswith("/") or "\0" in path or not is_encodable(path):
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
        raise InvalidValue(f"{address!r} is not a URL: {error}") from error
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


def parse_command(value: object) -> tuple[Command, ...]:
    if value is None:
        return ()
    from samesite_proxy.conf import commands

    try:
        base = Path(getattr(django_settings, "BASE_DIR", None) or ".").absolute()
        return commands.commands_in(value, base)
    except ValueError as error:
        raise InvalidValue(str(error)) from error


@dataclass(frozen=True)
class Key:
    """One key of SAMESITE_PROXY."""

    check_id: str
    parse: Callable[[object], Any]
    default: object
    hint: str


SECONDS_HINT = "Give seconds, such as 5 or 0.5."
KEYS: dict[str, Key] = {
    "FRONTEND": Key(
        "samesite_proxy.E003",
        parse_frontends,
        "http://localhost:3000",
        'Give a URL such as "http://localhost:3000", "unix:/run/frontend.sock", a folder of files'
        ' such as BASE_DIR / "frontend/dist", a dict of such by prefix, or None to turn the proxy'
        " off.",
    ),
    "DJANGO_PATHS": Key(
        "samesite_proxy.E004",
        parse_paths,
        None,
        'List prefixes such as ["/api", "/admin"], or leave it out: the URLconf says it.',
    ),
    "HOST_HEADER": Key(
        "samesite_proxy.E005",
        parse_host_header,
        "auto",
        'Use "auto", "preserve", "frontend", or a host such as "frontend.example:3000".',
    ),
    "FRONTEND_NAMES": Key(
        "samesite_proxy.E006", parse_names, (), 'List host names such as ["frontend.internal"].'
    ),
    "CONNECT_TIMEOUT": Key("samesite_proxy.E007", parse_seconds, 5, SECONDS_HINT),
    "RESPONSE_TIMEOUT": Key("samesite_proxy.E008", parse_seconds, 60, SECONDS_HINT),
    "IDLE_TIMEOUT": Key("samesite_proxy.E009", parse_seconds, 300, SECONDS_HINT),
    "MAX_CONNECTIONS": Key(
        "samesite_proxy.E010", parse_max_connections, 4096, "Give a number of at least 1."
    ),
    "CA_FILE": Key(
        "samesite_proxy.E011", parse_ca_file, None, "Give the path of a file of PEM certificates."
    ),
    "TRUSTED_PROXIES": Key(
        "samesite_proxy.E012",
        parse_trusted,
        (),
        'List addresses, networks or "unix", such as ["127.0.0.1", "10.0.0.0/8", "unix"].',
    ),
    "COMMAND": Key(
        "samesite_proxy.E014",
        parse_command,
        None,
        'Give a command line such as "npm run dev", a list of a program and its arguments, or'
        ' {"run": …, "folder": …, "environment": …}, or a dict of such by prefix.',
    ),
    "IN_TESTS": Key(
        "samesite_proxy.E013",
        parse_flag,
        False,
        "Write True to forward requests in tests too, or leave it out.",
    ),
}


def _near(key: object) -> str:
    near = difflib.get_close_matches(str(key).upper(), KEYS, n=1)
    return f"Did you mean {near[0]!r}? " if near else ""


def _parse_all(given: Mapping[object, object]) -> tuple[dict[str, Any], list[Problem]]:
    values: dict[str, Any] = {}
    problems = [
        Problem(
            "samesite_proxy.E002",
            f"SAMESITE_PROXY has an unknown key {key!r}.",
            _near(key) + f"The keys are {', '.join(KEYS)}.",
        )
        for key in given
        if key not in KEYS
    ]
    for name, key in KEYS.items():
        try:
            values[name] = key.parse(given.get(name, key.default))
        except InvalidValue as invalid:
            message = f'SAMESITE_PROXY["{name}"]: {invalid}.'
            problems.append(Problem(key.check_id, message, key.hint))
    return values, problems


def now_at(
    frontends: Iterable[Frontend], told: Mapping[str, str] | None = None
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


def _moved(frontend: Frontend, address: str) -> Frontend:
    if not address:
        return replace(frontend, unix_socket=NOWHERE)
    found = parse_frontend(frontend.prefix, address)
    return replace(found, loop_token=frontend.loop_token, is_commanded=True)


def _frontends_in(values: Mapping[str, Any]) -> tuple[Frontend, ...]:
    commanded = {command.prefix for command in values["COMMAND"]}
    return now_at(
        replace(
            frontend,
            loop_token=token_of(frontend.address),
            is_commanded=frontend.prefix in commanded and frontend.folder is None,
        )
        for frontend in values["FRONTEND"]
    )


def _commands_of_servers(values: Mapping[str, Any]) -> tuple[Command, ...]:
    """None for a folder, which FRONTEND may name in production alone."""
    folders = {frontend.prefix for frontend in values["FRONTEND"] if frontend.folder is not None}
    return tuple(command for command in values["COMMAND"] if command.prefix not in folders)


def _commands_without_frontend(values: Mapping[str, Any]) -> Iterator[Problem]:
    prefixes = {frontend.prefix for frontend in values["FRONTEND"]}
    for command in values["COMMAND"]:
        if prefixes and command.prefix not in prefixes:
            yield Problem(
                KEYS["COMMAND"].check_id,
                f'SAMESITE_PROXY["COMMAND"]: FRONTEND has no {command.prefix!r}.',
                KEYS["COMMAND"].hint,
            )


def _own_page() -> str:
    if django_settings.DEBUG:
        return ""
    from samesite_proxy.conf.own_page import (
        rendered,  # With the templates, which DEBUG does not need.
    )

    return rendered()


def read() -> tuple[Settings | None, list[Problem]]:
    """The settings, or None and everything that is wrong with them."""
    given = getattr(django_settings, "SAMESITE_PROXY", {})
    if not isinstance(given, Mapping):
        hint = 'Write SAMESITE_PROXY = {"FRONTEND": "http://localhost:3000"}, or leave it out.'
        return None, [Problem("samesite_proxy.E001", "SAMESITE_PROXY is not a dict.", hint)]
    values, problems = _parse_all(given)
    problems += [] if problems else _commands_without_frontend(values)
    if problems:
        return None, problems
    trusted = values["TRUSTED_PROXIES"]
    return Settings(
        frontends=_frontends_in(values),
        commands=_commands_of_servers(values),
        django_paths=values["DJANGO_PATHS"],
        host_header=values["HOST_HEADER"],
        frontend_names=values["FRONTEND_NAMES"],
        connect_timeout=values["CONNECT_TIMEOUT"],
        response_timeout=values["RESPONSE_TIMEOUT"],
        idle_timeout=values["IDLE_TIMEOUT"],
        max_connections=values["MAX_CONNECTIONS"],
        ca_file=values["CA_FILE"],
        trusted_networks=tuple(
            ipaddress.ip_network(peer, strict=False) for peer in trusted if peer != "unix"
        ),
        trusts_unix="unix" in trusted,
        in_tests=values["IN_TESTS"],
        debug=django_settings.DEBUG,
        own_page=_own_page(),
        allows_any_host="*" in django_settings.ALLOWED_HOSTS,
    ), []
