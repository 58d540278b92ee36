"""The README's first minute, as it is printed: from an empty folder to hot reload."""

from __future__ import annotations

import os
import subprocess
import sysconfig
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.programs import DEADLINE, Program, free_ports, save
from tests.browser.sites import Start
from tests.harness.django_servers import ROOT
from tests.recipes.projects import block_with

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("first minute")]

COMMANDS_AT_MOST = 6
EDITS_AT_MOST = 3
# Not those of the tests.
OWN_SETTINGS = {"DJANGO_SETTINGS_MODULE": "config.settings"}


def installed_here(commands: list[str], folder: Path) -> str:
    """All but the last, with this tree and Django in place of what pip would fetch by our name."""
    (pip,) = (line for line in commands if "samesite-proxy" in line)
    ours = f'echo {ROOT} > "$(python -c "import site; print(site.getsitepackages()[0])")/ours.pth"'
    replaced = [line.replace("samesite-proxy", "django") for line in commands[:-1]]
    replaced.insert(commands.index(pip) + 1, ours)
    return "\n".join(["set -e", f"cd {folder}", *replaced])


def run(script: str) -> None:
    """As typed, with the Python that runs this test."""
    path = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "CI": "true"}
    done = subprocess.run(
        ["bash", "-c", script],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=10 * DEADLINE,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def running(start: Start, folder: Path, command: str) -> tuple[Program, str]:
    """The last command, at a port of its own; and the origin to open."""
    (port,) = free_ports(1)
    program, arguments = command.split(" ", 1)
    line = [str(folder / ".venv/bin" / program), *arguments.split(), str(port)]
    return start(line, folder, OWN_SETTINGS), f"http://localhost:{port}"


def test_six_commands_and_three_lines_bring_hot_reload(
    start: Start, page: Page, tmp_path: Path
) -> None:
    commands = block_with("django-admin startproject", "sh").splitlines()
    edits = block_with("MIDDLEWARE.insert")
    print(f"{len(commands)} commands, {len(edits.splitlines())} lines in one file")
    assert len(commands) <= COMMANDS_AT_MOST
    assert len(edits.splitlines()) <= EDITS_AT_MOST

    folder = tmp_path / "shop"
    folder.mkdir()
    run(installed_here(commands, folder))
    with (folder / "config/settings.py").open("a") as settings:
        settings.write(edits)
    server, origin = running(start, folder, commands[-1])
    server.wait_for("frontend: up at ")

    page.goto(f"{origin}/")
    heading = page.get_by_role("heading").first
    expect(heading).to_be_visible()
    before = heading.inner_text()
    page.evaluate("window.survives = true")
    app = folder / "frontend/src/App.jsx"
    assert f"<h1>{before}</h1>" in app.read_text()
    save(
        app, app.read_text().replace(f"<h1>{before}</h1>", "<h1>It follows</h1>"), tmp_path / "new"
    )
    expect(heading).to_have_text("It follows")
    assert page.evaluate("window.survives") is True

    page.goto(f"{origin}/admin/")
    expect(page.locator("#login-form")).to_be_visible()
    assert not server.matching("Traceback")
