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
    "adoption": {"_engine", "servers"},
    "apps": {"checks", "handover"},
    "arrival": set(),
    "asgi": {
        "arrival",
        *("_engine", "async_forwarder", "bells", "browser", "conf", "failure_page", "failures"),
        *("forwarder", "forwarding", "place", "responses", "routing", "scopes", "targets"),
        "websocket",
    },
    "async_forwarder": {
        "arrival",
        *("_engine", "bells", "conf", "failures", "forwarder", "forwarding", "hosts"),
        *("relocation", "responses", "servers"),
    },
    "bells": {"_engine"},
    "browser": {"conf", "failure_page", "failures", "responses"},
    "checks": {"conf", "neighbours", "place", "routing", "rules", "runservers"},
    "conf": {"loops"},
    "door": {"_engine", "failures", "forks", "handover", "shutdown", "table"},
    "failure_page": {"conf", "failures"},
    "failures": {"conf"},
    "forks": set(),
    "forwarder": {
        "arrival",
        *("_engine", "adoption", "conf", "failures", "forwarding", "greenlets", "hosts"),
        *("relocation", "responses", "servers", "targets", "uploads"),
    },
    "forwarding": {"_engine", "arrival", "conf", "hosts"},
    "greenlets": {"_engine"},
    "handover": {"forks"},
    "handover_server": {"conf", "handover", "restarts", "table"},
    "hosts": {"arrival", "conf"},
    "known_hosts": set(),
    "loops": set(),
    "management.__init__": set(),
    "management.commands.__init__": set(),
    "management.commands.runserver": {
        *("_engine", "asgi", "conf", "door", "handover", "handover_server", "own_address"),
        *("place", "restarts", "runservers", "table"),
    },
    "messages": {"_engine", "bells", "browser"},
    "middleware": {
        *("_engine", "async_forwarder", "conf", "forwarder", "forwarding", "neighbours", "place"),
        *("routing", "servers", "shutdown", "targets"),
    },
    "neighbours": {"conf", "place"},
    "own_address": {"conf"},
    "place": set(),
    "relocation": {"_engine", "conf"},
    "responses": {"_engine", "conf", "failure_page", "failures", "servers"},
    "restarts": set(),
    "routing": {"_engine", "conf", "rules"},
    "rules": {"conf"},
    "runservers": set(),
    "scopes": {"arrival", "failures", "forwarding", "known_hosts", "targets"},
    "servers": {"_engine"},
    "shutdown": {"_engine"},
    "static_files": {"conf", "rules"},
    "table": {
        *("_engine", "arrival", "conf", "failure_page", "failures", "forwarder", "hosts"),
        *("known_hosts", "place", "relocation", "rules", "static_files", "wsgi"),
    },
    "targets": set(),
    "uploads": {"_engine"},
    "websocket": {
        *("_engine", "bells", "browser", "conf", "failures", "forwarder", "messages", "responses"),
    },
    "wsgi": {
        *("_engine", "conf", "forwarder", "forwarding", "known_hosts", "place", "routing"),
        *("servers", "targets"),
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
    parts = [name.split(".") for name in names if name.split(".")[0] == "samesite_proxy"]
    return {part[1] for part in parts if len(part) > 1 and part[1] in PY_IMPORTS}


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
