"""A Location of the frontend's own address, brought back to the browser's origin."""

from __future__ import annotations

from urllib.parse import urlsplit

from samesite_proxy.conf import ANY_ADDRESS_NAMES, DEFAULT_PORTS, LOOPBACK_NAMES, Frontend, Settings

Fields = list[tuple[str, str]]


def _authority(netloc: str, scheme: str) -> tuple[str, int | None]:
    parts = urlsplit(f"//{netloc}")
    return parts.hostname or "", parts.port or DEFAULT_PORTS.get(scheme)


class Relocation:
    """Brings Location and Content-Location back from a frontend's own address."""

    def __init__(self, settings: Settings) -> None:
        self._names = settings.frontend_names

    def _points_at(self, frontend: Frontend, netloc: str, scheme: str, alias: str) -> bool:
        try:
            name, port = _authority(netloc, scheme)
            if alias and (name, port) == _authority(alias, scheme):
                return True
        except ValueError:
            return False
        if netloc.lower() in self._names:
            return True
        known = {frontend.name, *LOOPBACK_NAMES, *ANY_ADDRESS_NAMES, *self._names}
        return name in known and (frontend.unix_socket is not None or port == frontend.port)

    def _rewritten(self, value: str, frontend: Frontend, origin: str, alias: str) -> str:
        """The same place, seen from the browser: a path, which keeps its scheme and host."""
        try:
            parts = urlsplit(value)
        except ValueError:
            return value
        scheme = parts.scheme or frontend.url.partition(":")[0]
        if scheme not in DEFAULT_PORTS or not self._points_at(
            frontend, parts.netloc, scheme, alias
        ):
            return value
        rest = value.partition("//")[2][len(parts.netloc) :]
        if rest.startswith("//"):  # As a path alone it would name another host.
            return f"{origin}{rest}"
        return rest if rest.startswith("/") else f"/{rest}"

    def fields(self, fields: Fields, frontend: Frontend, origin: str, alias: str = "") -> Fields:
        """The answer's fields for a browser at `origin`, which the frontend saw as `alias`."""
        return [
            (name, self._rewritten(value, frontend, origin, alias))
            if name.lower() in ("location", "content-location") and "//" in value
            else (name, value)
            for name, value in fields
        ]
