"""`samesite_proxy nginx`: the routing table as nginx's configuration.

nginx's longest literal location wins, as our longest pattern does. What it would decide otherwise
goes to Django, where the middleware decides: so Django is to keep it.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address

from samesite_proxy.commands import columns
from samesite_proxy.commands.owners import Owned, Owners, script_name
from samesite_proxy.conf import Frontend, Settings
from samesite_proxy.proxy.rules import ASK, EXACT, PREFIX

DJANGO_PORT = 8000
LISTEN = {"docker": "80", "direct": "127.0.0.1:8080"}
HOST_OF_CONTAINER = "host.docker.internal"

HEADS = {
    "docker": f"""\
# Written by `manage.py samesite_proxy nginx`. Django's paths are read from the project: write this
# file anew when they change. In the folder of this file, saved as nginx.conf:
#
#     docker run --rm -p 8080:80 --add-host {HOST_OF_CONTAINER}:host-gateway \\
#         -v ./nginx.conf:/etc/nginx/conf.d/default.conf:ro nginx:alpine
#
# and http://localhost:8080/ is the site. Django and the frontend must listen where a container
# reaches them: runserver 0.0.0.0:8000, and the dev server with --host.
""",
    "direct": """\
# Written by `manage.py samesite_proxy nginx --direct`. Django's paths are read from the project:
# write this file anew when they change. For an nginx on the same machine: save it in
# /etc/nginx/conf.d/, reload nginx, and http://localhost:8080/ is the site.
""",
}
TRUST = """\
#
# Django keeps SameSiteProxyMiddleware: it decides what nginx cannot, and has every WebSocket below
# Django's paths. In SAMESITE_PROXY name this nginx in TRUSTED_PROXIES, so that the frontend learns
# the visitor's address then, too; with TLS here set Django's SECURE_PROXY_SSL_HEADER.
"""
MAPS = """
# Only an upgrade (a WebSocket) asks for "Connection: upgrade"; all else may keep its connection.
map $http_upgrade $connection_upgrade {
    default upgrade;
    ''      '';
}

# nginx takes //, /./ and /../ out of a path, makes a slash of %2F and ends it at a # before it
# looks for its location; Django does not. Such a target is Django's to decide, as it was sent.
map $request_uri $is_odd {
    default 0;
    "~^[^?]*#" 1;
    "~^[^?]*//" 1;
    "~*^[^?]*%2f" 1;
    "~*^[^?]*/(\\.|%2e)(\\.|%2e)?(/|\\?|$)" 1;
}
"""
COMMON = """\
    # All locations inherit this: they differ by the address alone.
    proxy_http_version 1.1;
    proxy_set_header Host              $http_host;
    proxy_set_header Upgrade           $http_upgrade;
    proxy_set_header Connection        $connection_upgrade;
    proxy_set_header X-Forwarded-For   $remote_addr;
    proxy_set_header X-Forwarded-Host  $http_host;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Port  "";  # Of these a client's own word would count.
    proxy_set_header Forwarded         "";
    proxy_set_header X-Real-IP         "";
    proxy_set_header X-Middleware-Subrequest "";
    proxy_buffering off;         # Answers pass as they come, event streams too.
    proxy_request_buffering off; # And so do uploads.
    proxy_read_timeout 1h;       # WebSockets and event streams may be silent.
    client_max_body_size 0;      # Of any size; Django and the frontend decide.
    merge_slashes off;
"""
ODD = """\
    error_page 418 = @django;
    if ($is_odd) {
        return 418;
    }
    location @django {
        proxy_pass http://django;
    }
"""

# Of one word in its configuration; its buffer has a little more.
LONGEST, LONGEST_REMARK = 2000, 400

# What nginx reads without quotes.
_PLAIN = re.compile(r"[\w/.@~+,:=!&*%-]+")


class NotWritten(ValueError):
    """What nginx would not read; the message says which."""


Location = tuple[str, str]  # "=" or "^~", and its text


def _remark(text: str) -> str:
    """On one line, and no longer than nginx reads even of comments."""
    return textwrap.shorten(columns.shown(text), LONGEST_REMARK, placeholder=" …")


def _quoted(text: str) -> str:
    if len(text.encode()) > LONGEST:
        start = columns.shown(text[:40])
        raise NotWritten(f"{start}… is longer than nginx reads: {LONGEST} bytes.")
    if _PLAIN.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _locations_of(owned: Owned) -> Iterator[Location]:
    text, kind, _ = owned.rule
    if kind == PREFIX:
        text = f"{text.removesuffix('/')}/"
    yield "=" if kind == EXACT else "^~", text
    while text.endswith("/") and text != "/":
        text = text[:-1]
        yield "=", text  # Else nginx would send it to the one with the slash.


def _deciding(owners: Owners, location: Location) -> Owned:
    """By the matcher: of an exact location its path, of another one what no longer text begins."""
    modifier, text = location
    return owners.deciding(text if modifier == "=" else f"{text}\x01")


def locations(owners: Owners) -> dict[Location, Owned]:
    """Each location, and the rule that decides there."""
    found = {location for owned in owners.owned for location in _locations_of(owned)}
    deciding = {each: _deciding(owners, each) for each in found}
    if name := script_name().rstrip("/"):  # Some servers take it off a path, and others do not.
        own = Owned((name, PREFIX, ASK), "FORCE_SCRIPT_NAME, with all below it")
        below = [each for each in found if f"{each[1]}/".startswith(f"{name}/")]
        deciding |= dict.fromkeys([*_locations_of(own), *below], own)
    return {each: deciding[each] for each in sorted(deciding, key=lambda each: each[::-1])}


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(name)
    except ValueError:
        return None


def _host(name: str, way: str) -> str:
    """Of this machine nginx's resolver knows one name, and a container would find itself there."""
    if f".{name.removesuffix('.')}".endswith(".localhost"):
        name = "localhost"
    address = _address(name)
    if ":" in name and (address is None or "%" in name):
        raise NotWritten(f"[{name}] is no address that nginx reads; it knows of no zones.")
    is_here = name == "localhost" or (address and (address.is_loopback or address.is_unspecified))
    if way == "docker" and is_here:
        return HOST_OF_CONTAINER
    return f"[{name}]" if ":" in name else name


def _place(frontend: Frontend, way: str) -> str:
    """Where an upstream's server is."""
    if frontend.unix_socket is not None:
        return _quoted(f"unix:{frontend.unix_socket}")
    return f"{_host(frontend.name, way)}:{frontend.port}"


def _upstream(name: str, place: str) -> str:
    return f"""
upstream {name} {{
    server {place} max_fails=0;
    keepalive 16;
}}
"""


def _passing(frontend: Frontend, name: str) -> list[str]:
    lines = [f"proxy_pass {frontend.scheme}://{name};"]
    if frontend.scheme == "https":
        lines += ["proxy_ssl_server_name on;", f"proxy_ssl_name {frontend.name};"]
    return lines


class Printed:
    """The configuration of one project."""

    def __init__(self, settings: Settings, way: str) -> None:
        self._owners = Owners(settings)
        self._way = way
        self._said: Owned | None = None  # two locations of one rule need one comment
        self._names = {
            frontend: "frontend" if number == 0 else f"frontend_{number}"
            for number, frontend in enumerate(settings.frontends)
            if frontend.folder is None
        }

    def _upstreams(self) -> Iterator[str]:
        name = HOST_OF_CONTAINER if self._way == "docker" else "127.0.0.1"
        # max_fails=0: a server that restarts is asked again at once, not left out for ten seconds.
        yield _upstream("django", f"{name}:{DJANGO_PORT}")
        for frontend, name in self._names.items():
            yield _upstream(name, _place(frontend, self._way))

    def _location(self, location: Location, decided: Owned) -> str:
        frontend = self._owners.frontend_of(decided)
        lines = ["proxy_pass http://django;"]
        if frontend in self._names:
            lines = _passing(frontend, self._names[frontend])
        why = decided.why
        if decided.rule[2] == ASK:
            why += ": the middleware decides"
        elif frontend is not None and frontend.folder is not None:
            why += ", a folder: the middleware answers, with the rules that are its own"
        comment = "" if decided is self._said else f"\n    # {_remark(why)}\n"
        self._said = decided
        modifier, text = location
        body = "\n".join(f"        {line}" for line in lines)
        return f"{comment}    location {modifier} {_quoted(text)} {{\n{body}\n    }}\n"

    def __str__(self) -> str:
        found = locations(self._owners).items()
        return "".join(
            [
                HEADS[self._way],
                TRUST,
                MAPS,
                *self._upstreams(),
                f"\nserver {{\n    listen {LISTEN[self._way]};\n\n",
                COMMON,
                "\n",
                ODD,
                *(self._location(location, decided) for location, decided in found),
                "}\n",
            ]
        )
