"""The layers of csrc/ and of the package, kept by a test instead of by goodwill."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CSRC = ROOT / "csrc"
PACKAGE = ROOT / "samesite_proxy"

C_FILES = sorted(CSRC.rglob("*.[ch]"))
PYTHON_FILES = sorted(
    path
    for folder in (".ci", "csrc", "samesite_proxy", "tests", "example_project", "bench")
    for path in (ROOT / folder).rglob("*.py")
    if "node_modules" not in path.parts
)

# A layer may include itself and the layers before it.
C_LAYERS = ["wire", "core", "upstream", "engine", "door", "python"]

# Headers from elsewhere, and the one layer that may include them.
FOREIGN_HEADERS = {"Python.h": "python", "curl/curl.h": "upstream"}

# The package's rooms, from the lowest up: what stands in one line takes nothing from another of it.
ROOMS = [
    {"_engine", "types", "background"},
    {"shutdown", "conf"},
    {"machine"},
    {"proxy"},
    {"built"},
    {"feed"},
    {"sync", "aio"},
    {"middleware", "wsgi", "asgi"},
    {"fastpath"},
    {"frontend_process"},
    {"checks"},
    {"commands"},
    {"apps", "management"},
]
LAYER_OF_ROOM = {room: layer for layer, rooms in enumerate(ROOMS) for room in rooms}

MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 40


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def included(source: Path) -> list[str]:
    return re.findall(r'^#include [<"]([^>"]+)[>"]', source.read_text(), re.MULTILINE)


def points_down(source: Path, header: str) -> bool:
    own = source.relative_to(CSRC).parts[0]
    if header in FOREIGN_HEADERS:
        return own == FOREIGN_HEADERS[header]
    layer = header.split("/")[0]
    return not (CSRC / header).exists() or C_LAYERS.index(layer) <= C_LAYERS.index(own)


def test_c_includes_point_down() -> None:
    includes = [(source, header) for source in C_FILES for header in included(source)]
    assert [
        (name_of(source), header) for source, header in includes if not points_down(source, header)
    ] == []


# Rooms of which each file stands on others, and none on one that stands on it.
ROOMS_WITHOUT_CIRCLES = ["wire", "core", "upstream", "door", "python"]


def unit_of(path: Path) -> str:
    """A file with its header: one thing, whichever system it is for."""
    return f"{path.relative_to(CSRC).parts[0]}/{path.stem}"


def code_of(source: Path) -> str:
    return re.sub(r"/\*.*?\*/", "", source.read_text(), flags=re.DOTALL)


def stands_on() -> dict[str, set[str]]:
    """By what it includes, and by the functions that it names, called or given to others."""
    codes = {path: code_of(path) for path in C_FILES}
    definitions = {
        name: unit_of(path)
        for path, code in codes.items()
        for name in re.findall(r"^(sp_\w+)\(", code, re.MULTILINE)
    }
    found: dict[str, set[str]] = {unit_of(path): set() for path in C_FILES}
    for path, code in codes.items():
        names = re.findall(r"(?<!struct )(?<!enum )\bsp_\w+", code)
        headers = {header.removesuffix(".h") for header in included(path)}
        called = {definitions[name] for name in names if name in definitions}
        found[unit_of(path)] |= ((headers & found.keys()) | called) - {unit_of(path)}
    return found


def without_those_that_can_go(left: dict[str, set[str]]) -> dict[str, set[str]]:
    """What is in a circle, or stands on one."""
    while free := {unit for unit, others in left.items() if not others & left.keys()}:
        left = {unit: others for unit, others in left.items() if unit not in free}
    return {unit: others & left.keys() for unit, others in left.items()}


@pytest.mark.parametrize("room", ROOMS_WITHOUT_CIRCLES)
def test_c_files_form_no_circle(room: str) -> None:
    files = {unit: on for unit, on in stands_on().items() if unit.startswith(f"{room}/")}
    assert files
    assert without_those_that_can_go(files) == {}


def test_c_calls_point_down() -> None:
    layers = {unit: C_LAYERS.index(unit.split("/")[0]) for unit in stands_on()}
    calls = [(unit, other) for unit, on in stands_on().items() for other in on]
    assert [call for call in calls if layers[call[1]] > layers[call[0]]] == []


def module_name(path: Path) -> str:
    """Its name inside the package; that of a folder's __init__ is the folder's."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {module_name(path): path for path in [*PACKAGE.rglob("*.py"), *PACKAGE.glob("*.pyi")]}


def imported(module: str) -> set[str]:
    """The package's modules that a module imports, at its top or inside a function."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports by dots"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    inside = {name.removeprefix("samesite_proxy.") for name in names if "samesite_proxy." in name}
    return {name if name in MODULES else name.rpartition(".")[0] for name in inside} - {module}


def test_python_imports_point_down() -> None:
    for module in sorted(MODULES.keys() - {""}):
        own = module.partition(".")[0]
        for other in imported(module):
            room = other.partition(".")[0]
            goes_down = room == own or LAYER_OF_ROOM[room] < LAYER_OF_ROOM[own]
            assert goes_down, f"{module} takes {other}"


LOADED = """
import sys
import samesite_proxy.{module}
print(*sorted(name for name in sys.modules if name.startswith(("samesite_proxy.", "whitenoise"))))
"""


@pytest.mark.parametrize("module", ["middleware", "wsgi"])
def test_wsgi_loads_nothing_of_an_event_loops_nor_of_the_fast_path(module: str) -> None:
    command = [sys.executable, "-c", LOADED.format(module=module)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "whitenoise" not in done.stdout
    rooms = {name.split(".")[1] for name in done.stdout.split()}
    assert {"proxy", "sync", module} <= rooms
    assert not rooms & {"aio", "fastpath", "checks", "commands", "management"}
    assert not rooms & {"built", "feed", "frontend_process", "machine"}
    of_conf = {name for name in done.stdout.split() if name.startswith("samesite_proxy.conf.")}
    assert of_conf == {
        f"samesite_proxy.conf.{name}" for name in ("frontends", "loop_token", "values")
    }


def test_python_imports_have_no_cycle() -> None:
    assert without_those_that_can_go({module: imported(module) for module in MODULES}) == {}


def test_wheel_has_every_room() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    rooms = [path.parent.relative_to(ROOT) for path in PACKAGE.rglob("__init__.py")]
    assert sorted(told) == sorted(".".join(room.parts) for room in rooms)


def test_each_file_is_short_enough_to_read() -> None:
    sources = [*C_FILES, *(ROOT / "tests" / "c").glob("*.[ch]"), *PYTHON_FILES]
    lengths = {name_of(source): len(source.read_text().splitlines()) for source in sources}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES_OF_A_FILE} == {}


def functions(source: Path) -> list[tuple[str, int]]:
    """Names and lengths: in PEP 7's shape the body's braces alone stand in the first column."""
    found = []
    lines = source.read_text().splitlines()
    for first, line in enumerate(lines):
        if line == "{":
            last = lines.index("}", first)
            found.append((lines[first - 1], last - first - 1))
    return found


def test_c_functions_are_short() -> None:
    found = {name_of(path): functions(path) for path in C_FILES if path.suffix == ".c"}
    assert all(found.values())
    lengths = [(name, *function) for name, all_of_it in found.items() for function in all_of_it]
    assert [length for length in lengths if length[-1] > MOST_LINES_OF_A_FUNCTION] == []


def test_map_names_every_file() -> None:
    named = set(re.findall(r"`(\w+)`", (CSRC / "README.md").read_text()))
    assert {path.stem for path in C_FILES} <= named


def test_map_of_the_package_names_every_module_and_no_other() -> None:
    told = (ROOT / "docs" / "architecture.md").read_text()
    lines = told.partition(" samesite_proxy/ (Python)")[2].partition(" ───")[0].splitlines()[1:]
    named, room = [], list[str]()
    for indentation, words in re.findall(r"^( +)(\w+/?(?:, \w+)*)", "\n".join(lines), re.M):
        del room[len(indentation) // 2 - 1 :]
        if words.endswith("/"):
            room.append(words[:-1])
        named += [".".join([*room, word]) for word in words.split(", ") if word[-1] != "/"]
    rooms = {name.rpartition(".")[0] for name in MODULES}
    assert sorted(named) == sorted(MODULES.keys() - rooms - {"_engine"})


def test_every_step_of_a_request_stands_in_the_code() -> None:
    told = re.findall(r"^(\d+)\. ", (CSRC / "README.md").read_text(), re.MULTILINE)
    code = "".join(path.read_text() for path in C_FILES)
    assert told == [str(number) for number in range(1, len(told) + 1)]
    assert set(told) == set(re.findall(r"/\* \((\d+)\) ", code))
