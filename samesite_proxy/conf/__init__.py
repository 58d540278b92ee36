"""The settings in SAMESITE_PROXY: read once, into one frozen object, or refused with reasons."""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings as django_settings
from django.core.checks import Error

from samesite_proxy.conf.frontends import Frontend, now_at, parse_frontends
from samesite_proxy.conf.loop_token import token_of
from samesite_proxy.conf.values import (
    InvalidValue,
    near,
    parse_ca_file,
    parse_flag,
    parse_host_header,
    parse_max_connections,
    parse_names,
    parse_paths,
    parse_seconds,
    parse_trusted,
)

if TYPE_CHECKING:  # What a project does not use is not imported.
    from samesite_proxy.conf.commands import Command

__all__ = ["KEYS", "SMALL_POOL", "Frontend", "Settings", "read"]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

SMALL_POOL = 256


def is_set_up_for_tests() -> bool:
    """Whether this process is in Django's test environment: its test runner's, pytest-django's."""
    module = sys.modules.get("django.test.utils")
    return hasattr(getattr(module, "_TestState", None), "saved_data")


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
        # At a socket for both families a peer of IPv4 has an address of IPv6.
        forms = filter(None, (address, getattr(address, "ipv4_mapped", None)))
        return any(form in network for form in forms for network in self.trusted_networks)


def parse_command(value: object) -> tuple[Command, ...]:
    if value is None:
        return ()
    from samesite_proxy.conf import commands

    base = Path(getattr(django_settings, "BASE_DIR", None) or ".").absolute()
    return commands.commands_in(value, base)


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


# The other keys are fields of the same names.
RENAMED = ("FRONTEND", "COMMAND", "TRUSTED_PROXIES")


def _parse_all(given: Mapping[object, object]) -> tuple[dict[str, Any], list[Error]]:
    values: dict[str, Any] = {}
    problems = [
        Error(
            f"SAMESITE_PROXY has an unknown key {key!r}.",
            hint=near(key, KEYS) + f"The keys are {', '.join(KEYS)}.",
            id="samesite_proxy.E002",
        )
        for key in given
        if key not in KEYS
    ]
    for name, key in KEYS.items():
        try:
            values[name] = key.parse(given.get(name, key.default))
        except InvalidValue as invalid:
            message = f'SAMESITE_PROXY["{name}"]: {invalid}.'
            hint = invalid.guess + key.hint
            problems.append(Error(message, hint=hint, id=key.check_id))
    return values, problems


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


def _commands_without_frontend(values: Mapping[str, Any]) -> Iterator[Error]:
    prefixes = {frontend.prefix for frontend in values["FRONTEND"]}
    for command in values["COMMAND"]:
        if prefixes and command.prefix not in prefixes:
            yield Error(
                f'SAMESITE_PROXY["COMMAND"]: FRONTEND has no {command.prefix!r}.',
                hint=KEYS["COMMAND"].hint,
                id=KEYS["COMMAND"].check_id,
            )


def _own_page() -> str:
    if django_settings.DEBUG:
        return ""
    from samesite_proxy.conf.own_page import (
        rendered,  # With the templates, which DEBUG does not need.
    )

    return rendered()


def read() -> tuple[Settings | None, list[Error]]:
    """The settings, or None and everything that is wrong with them."""
    given = getattr(django_settings, "SAMESITE_PROXY", {})
    if not isinstance(given, Mapping):
        hint = 'Write SAMESITE_PROXY = {"FRONTEND": "http://localhost:3000"}, or leave it out.'
        return None, [Error("SAMESITE_PROXY is not a dict.", hint=hint, id="samesite_proxy.E001")]
    values, problems = _parse_all(given)
    problems += [] if problems else _commands_without_frontend(values)
    if problems:
        return None, problems
    trusted = values["TRUSTED_PROXIES"]
    return Settings(
        frontends=_frontends_in(values),
        commands=_commands_of_servers(values),
        trusted_networks=tuple(
            ipaddress.ip_network(peer, strict=False) for peer in trusted if peer != "unix"
        ),
        trusts_unix="unix" in trusted,
        debug=django_settings.DEBUG,
        own_page=_own_page(),
        allows_any_host="*" in django_settings.ALLOWED_HOSTS,
        **{name.lower(): value for name, value in values.items() if name not in RENAMED},
    ), []
