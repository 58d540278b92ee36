"""What a frontend sees as Host and Origin, so that a dev server accepts every address we allow.

Dev servers refuse names that they do not know, as a defence against DNS rebinding. Django's
ALLOWED_HOSTS is that defence here, so under a name that it allows they see an alias:
localhost, with the browser's port.
"""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple

from samesite_proxy.conf import Frontend, Settings
from samesite_proxy.proxy.incoming import IncomingRequest, value_of

# Next's dev endpoints look at Origin, and know localhost only.
NEXT_DEV_PATHS = ("/_next/", "/__nextjs")

# RFC 3986, 3.2.3; a port that is no port is for the frontend to judge.
_HOST = re.compile(r"(.*?)(:[0-9]*)?", re.DOTALL)
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([^/?#]*)", re.IGNORECASE)


class HostView(NamedTuple):
    """One request's Host, Origin, Referer and X-Forwarded fields, as a frontend sees them."""

    host: str
    forwarded_host: str
    forwarded_proto: str
    browser_host: str
    own_origin: str = ""  # in place of the browser's, where that is ours; "": as it is
    is_whole_site: bool = False  # the frontend knows this site by the alias alone
    alias_host: str = ""  # a Host that is not the browser's, to which it may redirect

    def _in_own_place(self, url: str) -> str:
        """Our own origin is the one whose authority is the request's, whatever its scheme."""
        found = _ORIGIN.match(url) if self.own_origin else None
        if found is None or found[1].lower() != self.browser_host.lower():
            return url
        return self.own_origin + url[found.end() :]

    def origin(self, value: str) -> str:
        """A foreign one crosses untouched, so that the frontend's own defence works."""
        return self._in_own_place(value)

    def referer(self, value: str) -> str:
        return self._in_own_place(value) if self.is_whole_site else value


def _split(host: str) -> tuple[str, str]:
    """A name and a port with its colon, if there is one."""
    match = _HOST.fullmatch(host)
    assert match is not None
    return match[1].strip("[]").lower(), match[2] or ""


def _is_ip(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _automatic(
    settings: Settings, incoming: IncomingRequest, frontend: Frontend, host: str
) -> HostView:
    browser, scheme = incoming.host, incoming.scheme
    kept = HostView(host, browser, scheme, browser)
    if not settings.debug:
        return kept
    name, port = _split(browser)
    if name == "localhost" or name.endswith(".localhost"):
        return kept
    alias = f"localhost{port}"
    if _is_ip(name):
        own_origin = f"{scheme}://{alias}"
        if incoming.is_upgrade:
            return HostView(alias, browser, scheme, browser, own_origin, alias_host=alias)
        is_next_dev = incoming.path.startswith(NEXT_DEV_PATHS)
        return HostView(host, browser, scheme, browser, own_origin) if is_next_dev else kept
    if settings.allows_any_host:  # An alias would disarm the frontend's own defence.
        return kept
    # One scheme in all fields, the one that is spoken with the frontend: dev servers compare.
    scheme = frontend.scheme
    return HostView(alias, alias, scheme, browser, f"{scheme}://{alias}", True, alias)


def view_of(settings: Settings, incoming: IncomingRequest, frontend: Frontend) -> HostView:
    """How `frontend` sees a request, by HOST_HEADER."""
    host = value_of(incoming.fields, "host") or incoming.host
    wanted = settings.host_header
    if wanted == "auto":
        return _automatic(settings, incoming, frontend, host)
    alias = ""
    if wanted != "preserve":
        host = alias = frontend.authority if wanted == "frontend" else wanted
    return HostView(host, incoming.host, incoming.scheme, incoming.host, alias_host=alias)
