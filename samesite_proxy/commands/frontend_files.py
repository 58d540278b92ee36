"""What was needed while the browser saw two origins, and now is in the way: a frontend's files."""

from __future__ import annotations

import json
import os
import re
import stat
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from samesite_proxy.commands.findings import NOTE, WRONG, Finding
from samesite_proxy.conf.values import without_password

# Files in which a dev server is told to send paths elsewhere, and the words for it.
_PROXY = r"""\bproxy["']?\s*[:,}]"""
CONFIGURATIONS = {
    r"vite\.config\.[cm]?[jt]s": ("server.proxy", _PROXY),
    r"astro\.config\.[cm]?[jt]s": ("vite.server.proxy", _PROXY),
    r"vue\.config\.[cm]?[jt]s": ("devServer.proxy", _PROXY),
    r"webpack[\w.-]*\.[cm]?[jt]s": ("devServer.proxy", _PROXY),
    r"rsbuild\.config\.[cm]?[jt]s": ("server.proxy", _PROXY),
    r"nuxt\.config\.[cm]?[jt]s": ("devProxy", r"""\b(devProxy|proxy)["']?\s*[:,}]"""),
    r"next\.config\.[cm]?[jt]s": ("rewrites", r"\brewrites\s*[:(]"),
    # Angular's, named by proxyConfig in angular.json, and Create React App's.
    r"proxy\.conf\.(json|[cm]?js)": ("what it has", r"""\btarget["']?\s*:"""),
    r"setupProxy\.[cm]?[jt]s": ("what it has", r"\bcreateProxyMiddleware\b"),
}
# Comments, but not what looks like one in a string.
_COMMENT = re.compile(
    r"""("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)"""
    r"""|//[^\n]*|/\*.*?\*/|<!--.*?-->""",
    re.S,
)
# Where runserver listens unless it is told otherwise: on this machine, or in a container.
_DJANGO = r"(?:localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0|host\.docker\.internal|[a-z][\w-]*):8000\b"
_AT_DJANGO = re.compile(_DJANGO)

# In what the browser gets: an address of Django's, and the word by which cookies went along.
_PAGE = re.compile(r"[^.].*\.([cm]?[jt]sx?|html|vue|svelte|astro)")
_ADDRESS = re.compile(rf"""["'`]https?://{_DJANGO}""")
_CREDENTIALS = re.compile(
    r"""\bcredentials["']?\s*:\s*["'`]include["'`]|\bwithCredentials["']?\s*[:=]\s*true\b"""
)
# Variables that bundlers write into the page, by their names.
_ENVIRONMENT = re.compile(r"\.env(\.[\w.-]+)?")
_VARIABLE = re.compile(
    r"""^[ \t]*(?:export[ \t]+)?(?:VITE|NEXT_PUBLIC|REACT_APP|NUXT_PUBLIC|PUBLIC|VUE_APP|NG_APP)"""
    rf"""_\w+\s*=\s*["']?https?://{_DJANGO}""",
    re.M,
)
# The name by which a container reaches its host's servers.
_GLUE = re.compile(r"^[^#\n]*\bhost\.docker\.internal:8000\b", re.M)
OUR_NGINX = "# Written by `manage.py samesite_proxy nginx"

# Where no file of the project's own is.
NOT_ENTERED = frozenset({"node_modules", "dist", "build", "out", "venv", "site-packages"})
DEEPEST = 4
DEEPEST_PAGE = 8
LARGEST = 1 << 20
SHOWN = 3


def root_of(base: Path) -> Path:
    """The repository that a project is in, else its own folder."""
    return next((each for each in (base, *base.parents) if (each / ".git").exists()), base)


def _files_below(root: Path, frontends: set[Path]) -> Iterator[tuple[Path, bool]]:
    """Each with whether it is a frontend's, as all below one of these or a package.json is."""
    own: set[str] = {str(each) for each in frontends}
    for folder, names, files in os.walk(root):
        is_own = folder in own or "package.json" in files
        depth = len(Path(folder).relative_to(root).parts)
        if depth >= (DEEPEST_PAGE if is_own else DEEPEST):
            names.clear()
        names[:] = sorted(n for n in names if n not in NOT_ENTERED and not n.startswith("."))
        if is_own:
            own.update(os.path.join(folder, name) for name in names)
        yield from ((Path(folder, name), is_own) for name in sorted(files))


def _read(path: Path) -> str:
    """What may be a project's text: no pipe is waited for, whatever its name."""
    try:
        found = path.stat()
        is_text = stat.S_ISREG(found.st_mode) and found.st_size <= LARGEST
        return path.read_text(errors="replace") if is_text else ""
    except OSError:
        return ""


def _in_configuration(path: Path, name: str, pattern: str, code: str) -> Iterator[Finding]:
    if not re.search(pattern, code):
        return
    if _AT_DJANGO.search(code):
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
    except (ValueError, RecursionError):
        return
    if isinstance(package, dict) and package.get("proxy"):
        yield Finding(
            "package-proxy",
            WRONG,
            without_password(f'{path} has "proxy": {json.dumps(package["proxy"])}.'),
            f'Delete "proxy" in {path}: Django is in front now.',
        )


def _in_nginx(path: Path, text: str) -> Iterator[Finding]:
    if _GLUE.search(text) and not text.startswith(OUR_NGINX):
        yield Finding(
            "nginx-container",
            NOTE,
            f"{path} puts an nginx in a container in front of Django.",
            f"For development delete {path} and its container: Django is in front now.",
        )


PAGES = {
    "page-address": (
        "has Django's address, so that the browser asks another origin",
        'Write paths alone there, such as "/api/me/"; what runs on a server of its own may keep'
        " the address.",
    ),
    "page-credentials": (
        "asks for cookies to be sent, which one origin does by itself",
        'Delete `credentials: "include"` or `withCredentials` there.',
    ),
}


def _of_pages(places: dict[str, list[Path]]) -> Iterator[Finding]:
    for id, (says, fix) in PAGES.items():
        if paths := places[id]:
            more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
            shown = ", ".join(str(each) for each in paths[:SHOWN])
            yield Finding(id, NOTE, f"{shown}{more}: {says}.", fix)


def _in_file(path: Path, is_own: bool, places: dict[str, list[Path]]) -> Iterator[Finding]:
    name = path.name
    if name == "package.json":
        yield from _in_package(path, _read(path))
    elif name.endswith(".conf"):
        yield from _in_nginx(path, _read(path))
    elif _ENVIRONMENT.fullmatch(name):
        if _VARIABLE.search(_read(path)):
            places["page-address"].append(path)
    elif kind := next((each for each in CONFIGURATIONS if re.fullmatch(each, name)), None):
        code = _COMMENT.sub(lambda found: found[1] or " ", _read(path))
        yield from _in_configuration(path, *CONFIGURATIONS[kind], code)
    elif is_own and _PAGE.fullmatch(name):
        code = _COMMENT.sub(lambda found: found[1] or " ", _read(path))
        for id, pattern in (("page-address", _ADDRESS), ("page-credentials", _CREDENTIALS)):
            if pattern.search(code):
                places[id].append(path)


def leftovers(base: Path, frontends: Iterable[Path]) -> Iterator[Finding]:
    """In the project's repository and where its frontends run. A folder that has the project in it
    is somebody else's, as one in which a server was started by a system."""
    elsewhere = {each for each in frontends if not base.is_relative_to(each) or each == base}
    roots = {root_of(base), *elsewhere}
    places: dict[str, list[Path]] = defaultdict(list)
    files = {path: is_own for root in roots for path, is_own in _files_below(root, elsewhere)}
    for path in sorted(files):
        yield from _in_file(path, files[path], places)
    yield from _of_pages(places)
