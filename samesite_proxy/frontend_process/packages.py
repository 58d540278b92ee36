"""What a frontend's folder lacks before its command can work, in words to type."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

from samesite_proxy.conf.commands import Command

INSTALLED_BY = {
    "pnpm-lock.yaml": "pnpm install",
    "yarn.lock": "yarn install",
    "bun.lock": "bun install",
    "bun.lockb": "bun install",
    "package-lock.json": "npm install",
}
# What Yarn writes where it makes no node_modules.
WITHOUT_FOLDER = (".pnp.cjs", ".pnp.js")


def _package_in(folder: Path) -> dict[str, Any] | None:
    try:
        found = json.loads((folder / "package.json").read_text())
    except (OSError, ValueError):  # What runs the command tells of it.
        return None
    return found if isinstance(found, dict) else None


def _has_package(folder: Path) -> bool:
    """In a folder above too, where npm looks for it."""
    return any((each / "package.json").exists() for each in (folder, *folder.parents))


def _where_one_is(folder: Path) -> str:
    found = sorted(each.parent.name for each in folder.glob("*/package.json"))
    if not found:
        return ', see SAMESITE_PROXY["COMMAND"]'
    return f', but in {found[0]}: write "folder": "{found[0]}" in SAMESITE_PROXY["COMMAND"]'


def _lists_packages(package: dict[str, Any]) -> bool:
    return any(package.get(key) for key in ("dependencies", "devDependencies"))


def _are_installed(folder: Path) -> bool:
    """In a folder above too: a workspace has one for all."""
    return any(
        (each / name).exists()
        for each in (folder, *folder.parents)
        for name in ("node_modules", *WITHOUT_FOLDER)
    )


def _installing(folder: Path) -> str:
    for each in (folder, *folder.parents):
        for name, command in INSTALLED_BY.items():
            if (each / name).exists():
                return f"cd {shlex.quote(str(each))} && {command}"
    return f"cd {shlex.quote(str(folder))} && npm install"


def missing_for(command: Command) -> str:
    """The reason why the command cannot work, and what helps; "" where it can."""
    folder = command.folder
    if not folder.is_dir():
        return f'there is no folder {folder}: see SAMESITE_PROXY["COMMAND"].'
    if command.runs_script and not _has_package(folder):
        return f"there is no package.json in {folder}{_where_one_is(folder)}."
    package = _package_in(folder)
    if not command.needs_packages or package is None:
        return ""
    if _lists_packages(package) and not _are_installed(folder):
        return f"its packages are not installed. Type `{_installing(folder)}`."
    return ""
