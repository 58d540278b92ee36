"""What a setting's value may be, where nothing else of the project counts."""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
import resource
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from django.utils.ipv6 import is_valid_ipv6_address

# A host as a field names it, with or without a port (RFC 9110, 7.2).
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_.-]{1,254})(:[0-9]{1,5})?", re.IGNORECASE)


# HOST_HEADER's words; in other letters they would be hosts, which nobody names so.
HOST_POLICIES = ("auto", "preserve", "frontend")

# A user and a password in an address.
_USER = re.compile(r"//[^\s'\"]*@")


def without_password(text: str) -> str:
    """A message may be copied anywhere."""
    return _USER.sub("//…@", text)


class InvalidValue(ValueError):
    """A value that its setting does not take; the message says why, and no password."""

    def __init__(self, message: str, guess: str = "") -> None:
        super().__init__(message)
        self.guess = guess  # what was meant, as a sentence

    def __str__(self) -> str:
        return without_password(super().__str__())


def near(name: object, known: Iterable[str]) -> str:
    """What was meant, in either case of its letters, if that can be seen; a space follows it."""
    cased = {each.lower(): each for each in known}
    found = difflib.get_close_matches(str(name).lower(), cased, n=1)
    return f"Did you mean {cased[found[0]]!r}? " if found else ""


def parse_strings(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise InvalidValue(f"{value!r} is not a list of strings")
    return tuple(value)


def is_encodable(text: str) -> bool:
    """Not so what was read from bytes that are no UTF-8."""
    return text == text.encode("utf-8", "ignore").decode()


def parse_prefix(prefix: object) -> str:
    if not isinstance(prefix, str) or not prefix.startswith("/") or set(prefix) & set("?#"):
        raise InvalidValue(f"{prefix!r} is not a path that begins with /")
    if not is_encodable(prefix):
        raise InvalidValue(f"{prefix!r} is not in UTF-8")
    return prefix


def parse_paths(value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    return tuple(parse_prefix(path) for path in parse_strings(value))


def has_controls(text: str) -> bool:
    """What no line of a message, and no field of an answer, can hold."""
    return any(ord(each) < 0x20 or 0x7F <= ord(each) < 0xA0 for each in text)


def parse_folder(folder: str) -> str:
    """Whether there is such a folder, its build decides, which may come later."""
    if not os.path.isabs(folder):
        raise InvalidValue(f"{folder!r} is not the absolute path of a folder")
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise InvalidValue(f"{folder!r} is there, but is no folder")
    if has_controls(folder) or not is_encodable(folder):
        raise InvalidValue(f"{folder!r} cannot be a folder's path")
    if find_spec("whitenoise") is None:
        raise InvalidValue("a folder needs WhiteNoise: pip install 'samesite-proxy[static]'")
    return folder


def parse_host_header(value: object) -> str:
    if not isinstance(value, str) or not _HOST.fullmatch(value):
        raise InvalidValue(f"{value!r} is not a host")
    if value not in HOST_POLICIES and value.lower() in HOST_POLICIES:
        raise InvalidValue(f"{value!r} would be a host of that name", near(value, HOST_POLICIES))
    return value


def parse_names(value: object) -> tuple[str, ...]:
    """An IPv6 address alone may have its brackets."""
    names = parse_strings(value)
    for name in names:
        if not _HOST.fullmatch(name) and not is_valid_ipv6_address(name):
            raise InvalidValue(f"{name!r} is not a host, with or without a port")
    return tuple(name.strip("[]" if name.endswith("]") else "").lower() for name in names)


def parse_seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise InvalidValue(f"{value!r} is not a number of seconds above 0")
    return value


def parse_max_connections(value: object) -> int:
    """At most what the descriptors allow: each request may hold the client's and ours."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**31:
        raise InvalidValue(f"{value!r} is not a number of connections")
    soft_limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft_limit == resource.RLIM_INFINITY:
        return value
    return min(value, max(1, (soft_limit - 64) // 2))


def parse_ca_file(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str | Path) or not Path(value).is_file():
        raise InvalidValue(f"{value!r} is not a file")
    import ssl  # Needed for nothing else.

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(value)
    except OSError as error:  # ssl.SSLError is one.
        raise InvalidValue(f"{value!r} is not a file of PEM certificates: {error}") from error
    return str(value)


def parse_trusted(value: object) -> tuple[str, ...]:
    peers = parse_strings(value)
    for peer in peers:
        if peer != "unix":
            try:
                ipaddress.ip_network(peer, strict=False)
            except ValueError as error:
                raise InvalidValue(f"{peer!r} is not an address or a network") from error
    return peers


def parse_flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidValue(f"{value!r} is neither True nor False")
    return value
