"""COMMAND in SAMESITE_PROXY: what starts which frontend, and where."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from samesite_proxy.conf.values import InvalidValue, is_encodable, near, parse_prefix

PORT = "{port}"
FIELDS = ("run", "folder", "environment")
# Those of JavaScript that run what a project's package.json lists.
PACKAGE_MANAGERS = re.compile(r"\s*(npm|pnpm|yarn|bun|npx|pnpx|bunx)\b")
# What comes first in a line of several commands, and brings the packages itself.
FIRST = re.compile(r"[^;&|\n]*")
INSTALLING = re.compile(
    r"\s(install|i|ci|add|create|init|dlx|x|-y|--yes)(?=\s|\Z)|\A\s*(yarn|bun)\s*\Z"
)
# It needs no package.json either.
FILE_OF_BUN = re.compile(r"\s*bun (run )?\S*[./]")
# A script of the folder's, unless another folder is named.
SCRIPT = re.compile(r"\s*(npm|pnpm|yarn|bun) (run|start|dev)\b(?!.* (--|-C|-w|-F))")


@dataclass(frozen=True)
class Command:
    """What starts the frontend of one prefix."""

    prefix: str
    run: str | tuple[str, ...]  # a shell's line, or a program with its arguments
    folder: Path
    environment: tuple[tuple[str, str], ...] = ()

    @property
    def line(self) -> str:
        """As the settings have it, for messages."""
        return self.run if isinstance(self.run, str) else " ".join(self.run)

    @property
    def wants_port(self) -> bool:
        return PORT in self.line

    @property
    def needs_packages(self) -> bool:
        first = FIRST.match(self.line)
        if first is None or FILE_OF_BUN.match(self.line) or INSTALLING.search(first[0]):
            return False
        return PACKAGE_MANAGERS.match(self.line) is not None

    @property
    def runs_script(self) -> bool:
        if FILE_OF_BUN.match(self.line):
            return False
        return SCRIPT.match(self.line.partition(" -- ")[0]) is not None

    def arguments(self, port: int | None) -> list[str]:
        """The program and its arguments, with the port in its place."""
        given = ["/bin/sh", "-c", self.run] if isinstance(self.run, str) else self.run
        return [each.replace(PORT, str(port)) for each in given]


def _word_in(value: object) -> str:
    """What a program can be given; of None and True nobody means the names."""
    if isinstance(value, bool) or not isinstance(value, str | Path | int | float):
        raise InvalidValue(f"{value!r} is neither text nor a number")
    word = str(value)
    if "\0" in word or not is_encodable(word):
        raise InvalidValue(f"{word!r} cannot be given to a program")
    return word


def _run_in(value: object) -> str | tuple[str, ...]:
    if isinstance(value, str) and value.strip():
        return _word_in(value)
    if isinstance(value, list | tuple) and value and value[0]:
        return tuple(map(_word_in, value))
    raise InvalidValue(f"{value!r} is neither a command line nor a list of a program's arguments")


def _environment_in(value: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, Mapping):
        raise InvalidValue(f"environment is a {type(value).__name__}, not a dict of variables")
    found = tuple((_word_in(name), _word_in(text)) for name, text in value.items())
    for name, _ in found:
        if not name or "=" in name:
            raise InvalidValue(f"{name!r} cannot be set in an environment")
    return found


def _command_in(prefix: str, value: object, base: Path) -> Command:
    """`value` is what to run, or a dict with that and more."""
    given = value if isinstance(value, Mapping) else {"run": value}
    for name in given:
        if name not in FIELDS:
            raise InvalidValue(f"{name!r} is none of {', '.join(FIELDS)}", near(name, FIELDS))
    if "run" not in given:
        raise InvalidValue('there is no "run" in it')
    folder = given.get("folder", ".")
    if not isinstance(folder, str | Path):
        raise InvalidValue(f"{folder!r} is not a folder")
    folder = _word_in(folder)
    environment = _environment_in(given.get("environment", {}))
    return Command(prefix, _run_in(given["run"]), base / folder, environment)


def _by_prefix(value: object) -> Iterator[tuple[str, object]]:
    if not isinstance(value, Mapping) or any(name in FIELDS for name in value):
        yield "/", value
        return
    if not value:
        raise InvalidValue("there is no command in it")
    for prefix, one in value.items():
        if not str(prefix).startswith("/"):
            fields = ", ".join(FIELDS)
            raise InvalidValue(f"{prefix!r} is neither a prefix nor {fields}", near(prefix, FIELDS))
        yield parse_prefix(prefix).rstrip("/") or "/", one


def commands_in(value: object, base: Path) -> tuple[Command, ...]:
    """What the setting says; a folder is below `base` unless it is absolute."""
    found = tuple(_command_in(prefix, one, base) for prefix, one in _by_prefix(value))
    if len({command.prefix for command in found}) < len(found):
        raise InvalidValue("the same prefix twice")
    return found
