"""The documentation says what the code does: settings, failures, checks, servers and links."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from samesite_proxy import conf
from samesite_proxy.feed import page, rows
from samesite_proxy.proxy import errors
from tests.asgi import server_table as asgi_table
from tests.traffic import server_table as wsgi_table

ROOT = Path(__file__).parents[2]
CSRC = ROOT / "csrc"
ERRORS = ROOT / "docs" / "errors.md"
SERVERS = ROOT / "docs" / "servers.md"

CODE_BLOCK = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)
NOT_OURS = ("build", "dist", "node_modules", "var")

LINK = re.compile(r"\]\(([^()\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
CHECK_ID = re.compile(r"samesite_proxy\.[EIW]\d{3}")


def markdown_files() -> list[Path]:
    """Our own: nothing that was installed, built or hidden."""
    found = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in NOT_OURS]
        found += [Path(folder, name) for name in files if name.endswith(".md")]
    return sorted(found)


def as_documented(default: object) -> str:
    if default is None or isinstance(default, bool):
        return str(default)
    return "[]" if default == () else json.dumps(default)


def server_rows(table: dict[str, Any]) -> list[str]:
    """A Markdown table of a server_table, as docs/servers.md has it."""
    lines = [f"| | {' | '.join(table)} |", "|---" * (len(table) + 1) + "|"]
    for field in dataclasses.fields(next(iter(table.values()))):
        values = [getattr(server, field.name) for server in table.values()]
        words = [", ".join(sorted(v)) if isinstance(v, frozenset) else v for v in values]
        cells = [f"`{word}`" if set(word) <= set(",; ") and word else word or "-" for word in words]
        lines.append(f"| {field.metadata['doc']} | {' | '.join(cells)} |")
    return lines


def anchors_of(path: Path) -> set[str]:
    """The fragments of a file's headings, by GitHub's rule."""
    headings = HEADING.findall(CODE_BLOCK.sub("", path.read_text()))
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


def test_each_setting_is_in_the_readme_with_its_default() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| `([^`]*)` \| \S", (ROOT / "README.md").read_text(), re.M)
    assert rows == [(name, as_documented(key.default)) for name, key in conf.KEYS.items()]


def test_readme_installs_by_name_and_builds_from_source_below() -> None:
    blocks = "".join(CODE_BLOCK.findall((ROOT / "README.md").read_text()))
    install = re.findall(r"^ *pip install (\S+)", blocks, re.MULTILINE)
    ours = ["samesite-proxy", "samesite-proxy", '"samesite-proxy[asgi]"', "/path/to/the/clone"]
    assert install == ours


def test_each_failure_is_documented_and_no_other() -> None:
    rows = re.findall(r"^\| (\d{3}) \| `([^`]+)` \| (.+) \|$", ERRORS.read_text(), re.MULTILINE)
    own = {value for value in vars(errors).values() if isinstance(value, errors.Failure)}
    every = {*errors.BY_CODE.values(), *own} - set(errors.OF_THE_DOOR.values())
    known = {(str(one.status), one.text, one.is_logged) for one in every}
    assert len(rows) == len(known)
    assert {(status, text, "Not logged." not in more) for status, text, more in rows} == known


def test_each_refusal_of_the_fast_paths_is_documented_and_no_other() -> None:
    readers = [*CSRC.glob("wire/*.c"), CSRC / "door" / "arrival.c"]
    heads = "".join(path.read_text() for path in readers)
    known = {(text, status) for status, text in re.findall(r'\{\s*(\d{3}), "([^"]+)"\}', heads)}
    assert {int(status) for _, status in known} == set(errors.STATUSES_OF_UNREAD)
    own = (CSRC / "door" / "own_words.c").read_text()
    of_the_door = errors.OF_THE_DOOR.items()
    named = {(name, int(status)) for name, status in re.findall(r'\{"([^"]+)", (\d{3})\}', own)}
    assert named == {(name, one.status) for name, one in of_the_door}
    known |= {(one.text, str(one.status)) for _, one in of_the_door}
    rows = re.findall(r"^\| `([^`]+)` \| (\d{3}) \| ", ERRORS.read_text(), re.MULTILINE)
    assert len(rows) == len(known)
    assert set(rows) == known


def test_each_key_of_a_row_of_the_feed_is_documented_and_no_other() -> None:
    raw = dict.fromkeys(rows.NAMES, 0) | {"place": "http://localhost:3000/", "at": 0.0}
    shown = page._readable(raw, conf.Settings(()))
    text = (ROOT / "docs" / "feed.md").read_text()
    table = text.partition("| of a row | |")[2].partition("\n\n")[0]
    documented = re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (.*?) \|", table, re.M)))
    assert sorted(documented) == sorted(shown)
    size = re.search(r"SP_FEED_TARGET (\d+)U", (CSRC / "engine" / "feed.h").read_text())
    assert size is not None
    assert f"at most {int(size[1]) - 1} bytes" in text


def test_each_check_is_documented_and_no_other() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "samesite_proxy").rglob("*.py"))
    documented = re.findall(rf"^\| `({CHECK_ID.pattern})` \|", ERRORS.read_text(), re.MULTILINE)
    assert documented == sorted(documented, key=lambda name: ("EWI".index(name[-4]), name))
    assert set(documented) == set(CHECK_ID.findall(sources))


@pytest.mark.parametrize("table", [wsgi_table.TABLE, asgi_table.TABLE], ids=["wsgi", "asgi"])
def test_tables_of_servers_are_those_that_are_tested(table: dict[str, Any]) -> None:
    assert "\n".join(server_rows(table)) in SERVERS.read_text()


def test_table_of_features_agrees_with_those_that_are_tested() -> None:
    rows = re.findall(r"^\| (.+) \|$", SERVERS.read_text(), re.MULTILINE)
    cells = {row[0]: row[1:] for row in (line.split(" | ") for line in rows)}
    columns = (["runserver"], ["runserver_plus"], ["sync", "gthread"], ["waitress"], ["granian"])
    asgi = (["uvicorn", "hypercorn", "granian", "gunicorn"], ["daphne"])
    servers = [[wsgi_table.TABLE[name] for name in names] for names in columns]
    servers += [[asgi_table.TABLE[name] for name in names] for names in asgi]
    told = {
        "uploads reach the frontend as they come": ("request_stream", "as it comes"),
        "an answer that breaks off is broken for the client": ("broken_answer", "broken"),
    }
    for feature, (field, good) in told.items():
        for cell, column in zip(cells[feature], servers, strict=True):
            assert {cell == "yes"} == {getattr(server, field) == good for server in column}, cell


@pytest.mark.parametrize("path", markdown_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_relative_links_lead_somewhere(path: Path) -> None:
    broken = []
    for target in LINK.findall(CODE_BLOCK.sub("", path.read_text())):
        if target.startswith(("http:", "https:", "mailto:")):
            continue
        name, _, fragment = target.partition("#")
        linked = (path.parent / name).resolve() if name else path
        if not linked.exists() or (fragment and fragment not in anchors_of(linked)):
            broken.append(target)
    assert broken == []
