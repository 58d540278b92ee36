"""What was needed while the browser saw two origins, and now is in the way."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings

from samesite_proxy.commands.findings import NOTE, WRONG, Finding

# Files in which a dev server is told to send paths elsewhere, and the words for it.
CONFIGURATIONS = {
    "vite": ("server.proxy", r"\bproxy\s*:"),
    "astro": ("vite.server.proxy", r"\bproxy\s*:"),
    "vue": ("devServer.proxy", r"\bproxy\s*:"),
    "webpack": ("devServer.proxy", r"\bproxy\s*:"),
    "rsbuild": ("server.proxy", r"\bproxy\s*:"),
    "nuxt": ("devProxy", r"\b(devProxy|proxy)\s*:"),
    "next": ("rewrites", r"\brewrites\s*[:(]"),
}
_CONFIGURATION = re.compile(rf"({'|'.join(CONFIGURATIONS)})\.config\.[cm]?[jt]s")
# Comments, but not what looks like one in a string.
_COMMENT = re.compile(
    r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`)|//[^\n]*|/\*.*?\*/""", re.S
)
# Where runserver listens unless it is told otherwise.
_DJANGO = re.compile(r"(localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0):8000\b")

# Where no configuration of the project's own is.
NOT_ENTERED = frozenset({"node_modules", "dist", "build", "out", "venv", "site-packages"})
DEEPEST = 4

CORS_APP = "corsheaders"
CORS_SETTINGS = (
    *("CORS_ALLOW_ALL_ORIGINS", "CORS_ALLOWED_ORIGINS", "CORS_ALLOWED_ORIGIN_REGEXES"),
    *("CORS_ALLOW_CREDENTIALS", "CORS_ORIGIN_ALLOW_ALL", "CORS_ORIGIN_WHITELIST"),
)
COOKIES = ("SESSION_COOKIE_SAMESITE", "CSRF_COOKIE_SAMESITE")


def root_of(base: Path) -> Path:
    """The repository that a project is in, else its own folder."""
    return next((each for each in (base, *base.parents) if (each / ".git").exists()), base)


def _files_below(root: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(root):
        depth = len(Path(folder).relative_to(root).parts)
        names[:] = (
            []
            if depth >= DEEPEST
            else sorted(n for n in names if n not in NOT_ENTERED and not n.startswith("."))
        )
        yield from (Path(folder, name) for name in sorted(files))


def _in_configuration(path: Path, kind: str, text: str) -> Iterator[Finding]:
    name, pattern = CONFIGURATIONS[kind]
    code = _COMMENT.sub(lambda found: found[1] or " ", text)
    if not re.search(pattern, code):
        return
    if _DJANGO.search(code):
        yield Finding(
            "dev-server-proxy",
            WRONG,
            f"{path} sends requests to Django by {name}: a path that neither side has goes round.",
            f"Delete {name} in {path}: Django is in front now.",
        )
    else:
        yield Finding(
            "dev-server-proxy",
            NOTE,
            f"{path} has {name}, though to no address of Django's that is written there.",
            f"If it sends requests to Django, delete {name} in {path}.",
        )


def _in_package(path: Path, text: str) -> Iterator[Finding]:
    try:
        package: Any = json.loads(text)
    except ValueError:
        return
    if isinstance(package, dict) and package.get("proxy"):
        yield Finding(
            "package-proxy",
            WRONG,
            f'{path} has "proxy": {json.dumps(package["proxy"])}.',
            f'Delete "proxy" in {path}: Django is in front now.',
        )


def in_files(roots: Iterable[Path]) -> Iterator[Finding]:
    """In the dev servers' own configuration."""
    for path in sorted({path for root in roots for path in _files_below(root)}):
        found = _CONFIGURATION.fullmatch(path.name)
        if found is None and path.name != "package.json":
            continue
        try:
            text = path.read_text(errors="replace")
        except OSError:
            continue
        yield from _in_configuration(path, found[1], text) if found else _in_package(path, text)


def _cors() -> Iterator[Finding]:
    names = [str(name) for name in django_settings.MIDDLEWARE]
    is_used = apps.is_installed(CORS_APP) or any(name.startswith(CORS_APP) for name in names)
    said = [name for name in CORS_SETTINGS if getattr(django_settings, name, None)]
    if not is_used and not said:
        return
    settings = {name: getattr(django_settings, name, None) for name in CORS_SETTINGS}
    all_of_them = settings["CORS_ALLOW_ALL_ORIGINS"] or settings["CORS_ORIGIN_ALLOW_ALL"]
    is_open = is_used and all_of_them and settings["CORS_ALLOW_CREDENTIALS"]
    yield Finding(
        "cors-open" if is_open else "cors",
        WRONG if is_open else NOTE,
        f"django-cors-headers is set up ({', '.join(said) or 'without origins'})"
        + (": every site may ask with the visitor's cookies." if is_open else "."),
        "With one origin the frontend needs none of it: delete it, unless the API is for other"
        " sites too.",
    )


def _cookies() -> Iterator[Finding]:
    for name in COOKIES:
        value = getattr(django_settings, name, "Lax")
        if value is False or str(value).lower() == "none":
            yield Finding(
                "cookie-samesite",
                WRONG,
                f"{name} is {value!r}: other sites' requests bring the cookie along.",
                f'Delete {name}: with one origin Django\'s default, "Lax", is right.',
            )


def _csrf(origins: Iterable[str]) -> Iterator[Finding]:
    trusted = [str(origin) for origin in django_settings.CSRF_TRUSTED_ORIGINS]
    for origin in sorted(set(trusted) & set(origins)):
        yield Finding(
            "csrf-origin",
            NOTE,
            f"CSRF_TRUSTED_ORIGINS trusts {origin}, the frontend's own address.",
            f"Delete {origin} there: the browser's origin is Django's.",
        )


def in_settings(origins: Iterable[str]) -> Iterator[Finding]:
    """In Django's; `origins`: those of the frontends."""
    yield from _cors()
    yield from _cookies()
    yield from _csrf(origins)
