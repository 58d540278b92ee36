"""The layers of csrc/ and of the package, kept by a test instead of by goodwill."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CSRC = ROOT / "csrc"
PACKAGE = ROOT / "samesite_proxy"

C_FILES = sorted(CSRC.rglob("*.[ch]"))
PYTHON_FILES = sorted(
    path
    for folder in ("samesite_proxy", "tests", "example_project", "bench")
    for path in (ROOT / folder).rglob("*.py")
    if "node_modules" not in path.parts
)

MODULES = sorted([*PACKAGE.rglob("*.py"), *PACKAGE.glob("*.pyi")])

# A layer may include itself and the layers before it.
C_LAYERS = ["wire", "engine", "python"]

# Headers from elsewhere, and the one layer that may include them.
FOREIGN_HEADERS = {"Python.h": "python", "curl/curl.h": "engine"}

# What each module of the package may import from the package.
PY_IMPORTS: dict[str, set[str]] = {
    "__init__": set(),
    "_engine": set(),
    "aio.__init__": set(),
    "aio.answer": {
        *("_engine", "aio.client", "aio.exchange", "aio.forwarder", "aio.websocket_client"),
        *("proxy.response", "types"),
    },
    "aio.channels": {"types"},
    "aio.client": {"_engine", "aio.exchange", "types"},
    "aio.exchange": {"_engine", "types"},
    "aio.forwarder": {
        *("_engine", "aio.exchange", "conf", "proxy.errors", "proxy.host_policy"),
        *("proxy.incoming", "proxy.outgoing", "proxy.redirects", "proxy.response"),
        *("sync.forwarder", "sync.servers", "types"),
    },
    "aio.scope": {
        *("proxy.allowed_hosts", "proxy.errors", "proxy.incoming", "proxy.outgoing"),
        *("proxy.targets", "types"),
    },
    "aio.websocket": {
        *("_engine", "aio.exchange", "aio.websocket_client", "aio.websocket_relay", "conf"),
        *("proxy.errors", "proxy.response", "sync.forwarder", "types"),
    },
    "aio.websocket_client": {"conf", "proxy.error_page", "proxy.errors", "proxy.response", "types"},
    "aio.websocket_relay": {"_engine", "aio.exchange", "aio.websocket_client"},
    "apps": {"checks", "fastpath.channel"},
    "asgi": {
        *("_engine", "aio.answer", "aio.channels", "aio.client", "aio.exchange", "aio.forwarder"),
        *("aio.scope", "aio.websocket", "aio.websocket_client", "conf", "proxy.error_page"),
        *("proxy.errors", "proxy.incoming", "proxy.outgoing", "proxy.place", "proxy.response"),
        *("proxy.routing", "proxy.targets", "sync.forwarder", "types"),
    },
    "checks": {
        *("conf", "fastpath.base_command", "proxy.neighbours", "proxy.place", "proxy.routing"),
        *("proxy.rules",),
    },
    "conf": {"loops"},
    "fastpath.__init__": set(),
    "fastpath.access_log": {"fastpath.table", "proxy.errors"},
    "fastpath.base_command": set(),
    "fastpath.channel": {"fastpath.forks"},
    "fastpath.forks": set(),
    "fastpath.listener": {
        *("_engine", "fastpath.channel", "fastpath.forks", "fastpath.supervisor"),
        *("fastpath.table", "shutdown"),
    },
    "fastpath.own_address": {"conf"},
    "fastpath.restarts": set(),
    "fastpath.server": {
        *("conf", "fastpath.channel", "fastpath.restarts", "fastpath.table", "fastpath.threads"),
    },
    "fastpath.static_files": {"conf", "proxy.rules"},
    "fastpath.supervisor": {
        *("_engine", "fastpath.access_log", "fastpath.channel", "fastpath.forks"),
        *("fastpath.table",),
    },
    "fastpath.table": {
        *("_engine", "conf", "fastpath.static_files", "proxy.allowed_hosts", "proxy.error_page"),
        *("proxy.errors", "proxy.host_policy", "proxy.incoming", "proxy.place"),
        *("proxy.redirects", "proxy.rules", "sync.forwarder", "wsgi"),
    },
    "fastpath.threads": {"fastpath.channel"},
    "loops": set(),
    "management.__init__": set(),
    "management.commands.__init__": set(),
    "management.commands.runserver": {
        *("_engine", "asgi", "conf", "fastpath.base_command", "fastpath.channel"),
        *("fastpath.listener", "fastpath.own_address", "fastpath.restarts", "fastpath.server"),
        *("fastpath.table", "proxy.place"),
    },
    "middleware": {
        *("_engine", "aio.forwarder", "conf", "proxy.neighbours", "proxy.outgoing"),
        *("proxy.place", "proxy.routing", "proxy.targets", "shutdown", "sync.forwarder"),
        *("sync.servers",),
    },
    "proxy.__init__": set(),
    "proxy.allowed_hosts": set(),
    "proxy.error_page": {"conf", "proxy.errors"},
    "proxy.errors": {"conf"},
    "proxy.host_policy": {"conf", "proxy.incoming"},
    "proxy.incoming": set(),
    "proxy.neighbours": {"conf", "proxy.place"},
    "proxy.outgoing": {"_engine", "conf", "proxy.host_policy", "proxy.incoming", "types"},
    "proxy.place": set(),
    "proxy.redirects": {"_engine", "conf", "types"},
    "proxy.response": {
        *("_engine", "conf", "proxy.error_page", "proxy.errors", "sync.servers", "types"),
    },
    "proxy.routing": {"_engine", "conf", "proxy.rules"},
    "proxy.rules": {"conf"},
    "proxy.targets": set(),
    "shutdown": {"_engine"},
    "sync.__init__": set(),
    "sync.forwarder": {
        *("_engine", "conf", "proxy.errors", "proxy.host_policy", "proxy.incoming"),
        *("proxy.outgoing", "proxy.redirects", "proxy.response", "proxy.targets", "sync.gevent"),
        *("sync.servers", "sync.takeover", "sync.upload", "types"),
    },
    "sync.gevent": {"_engine", "types"},
    "sync.servers": {"_engine", "types"},
    "sync.takeover": {"_engine", "sync.servers", "types"},
    "sync.upload": {"_engine"},
    "types": set(),
    "wsgi": {
        *("_engine", "conf", "proxy.allowed_hosts", "proxy.outgoing", "proxy.place"),
        *("proxy.routing", "proxy.targets", "sync.forwarder", "sync.servers", "types"),
    },
}

MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 40


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def included(source: Path) -> list[str]:
    return re.findall(r'^#include [<"]([^>"]+)[>"]', source.read_text(), re.MULTILINE)


@pytest.mark.parametrize("source", C_FILES, ids=name_of)
def test_c_includes_point_down(source: Path) -> None:
    own = source.relative_to(CSRC).parts[0]
    for header in included(source):
        if header in FOREIGN_HEADERS:
            assert own == FOREIGN_HEADERS[header], header
        elif (CSRC / header).exists():
            layer = header.split("/")[0]
            assert C_LAYERS.index(layer) <= C_LAYERS.index(own), header


def imported(module: Path) -> set[str]:
    """The package's modules that a module imports, at its top or inside a function."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            origin = f"{'samesite_proxy' if node.level else ''}.{node.module or ''}".strip(".")
            names |= {f"{origin}.{alias.name}" for alias in node.names}
    inside = {name.removeprefix("samesite_proxy.") for name in names if "samesite_proxy." in name}
    return (inside | {name.rpartition(".")[0] for name in inside}) & PY_IMPORTS.keys()


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_python_imports_are_declared(module: Path) -> None:
    dotted = ".".join(module.relative_to(PACKAGE).with_suffix("").parts)
    assert imported(module) == PY_IMPORTS[dotted]


def test_declared_imports_have_no_cycle() -> None:
    left = dict(PY_IMPORTS)
    while left:
        free = {name for name, needs in left.items() if not needs & left.keys()}
        assert free, left
        left = {name: needs for name, needs in left.items() if name not in free}


@pytest.mark.parametrize(
    "source", [*C_FILES, *sorted((ROOT / "tests" / "c").glob("*.[ch]")), *PYTHON_FILES], ids=name_of
)
def test_file_is_short_enough_to_read(source: Path) -> None:
    assert len(source.read_text().splitlines()) <= MOST_LINES_OF_A_FILE


def functions(source: Path) -> list[tuple[str, int]]:
    """Names and lengths: in PEP 7's shape the body's braces alone stand in the first column."""
    found = []
    lines = source.read_text().splitlines()
    for first, line in enumerate(lines):
        if line == "{":
            last = lines.index("}", first)
            found.append((lines[first - 1], last - first - 1))
    return found


@pytest.mark.parametrize("source", [path for path in C_FILES if path.suffix == ".c"], ids=name_of)
def test_c_functions_are_short(source: Path) -> None:
    found = functions(source)
    assert found
    for name, length in found:
        assert length <= MOST_LINES_OF_A_FUNCTION, name


def test_map_names_every_file() -> None:
    named = set(re.findall(r"`(\w+)`", (CSRC / "README.md").read_text()))
    assert {path.stem for path in C_FILES} <= named


def test_every_step_of_a_request_stands_in_the_code() -> None:
    told = re.findall(r"^(\d+)\. ", (CSRC / "README.md").read_text(), re.MULTILINE)
    code = "".join(path.read_text() for path in C_FILES)
    assert told == [str(number) for number in range(1, len(told) + 1)]
    assert set(told) == set(re.findall(r"/\* \((\d+)\) ", code))
