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
from tests.packaging.building import ROOT, checkout, clean_environment, wheel_of
from tests.recipes.projects import block_with

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("first minute")]

COMMANDS_AT_MOST = 6
EDITS_AT_MOST = 3


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """That of this tree, or the one that WHEEL names."""
    named = os.environ.get("WHEEL")
    return Path(named).resolve() if named else wheel_of(checkout(tmp_path / "tree"))


@pytest.fixture
def environment(wheel: Path, tmp_path: Path) -> dict[str, str]:
    """A terminal's, of the Python that runs this test. Until there is a release pip finds by our
    name what it is told to; everything else comes in the versions that the suite has."""
    constraints = tmp_path / "constraints.txt"
    pins = (ROOT / ".ci/constraints.txt").read_text()
    constraints.write_text(f"{pins}\nsamesite-proxy @ {wheel.as_uri()}\n")
    path = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"
    told = {"PATH": path, "PIP_CONSTRAINT": str(constraints)}
    return {**clean_environment(), **told, "CI": "true", "PYTHONUNBUFFERED": "1"}


def run(script: str, folder: Path, environment: dict[str, str]) -> str:
    """As typed; what was said."""
    done = subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=10 * DEADLINE,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def running(
    start: Start, command: str, folder: Path, environment: dict[str, str]
) -> tuple[Program, str]:
    """The last command in the same terminal, at a port of its own; and the origin to open."""
    (port,) = free_ports(1)
    unset = [f"--unset={name}" for name in os.environ if name not in environment]
    script = f". .venv/bin/activate && exec {command} {port}"
    line = ["env", *unset, "bash", "-e", "-c", script]
    return start(line, folder, environment), f"http://localhost:{port}"


def test_six_commands_and_three_lines_bring_hot_reload(
    start: Start, page: Page, tmp_path: Path, environment: dict[str, str]
) -> None:
    commands = block_with("django-admin startproject", "sh").splitlines()
    edits = block_with("MIDDLEWARE.insert")
    print(f"{len(commands)} commands, {len(edits.splitlines())} lines in one file")
    assert len(commands) <= COMMANDS_AT_MOST
    assert len(edits.splitlines()) <= EDITS_AT_MOST

    folder = tmp_path / "shop"
    folder.mkdir()
    run("\n".join(commands[:-1]), folder, environment)
    with (folder / "config/settings.py").open("a") as settings:
        settings.write(edits)
    where = "import samesite_proxy; print(samesite_proxy.__file__)"
    imported = run(f".venv/bin/python -c '{where}'", folder, environment)
    assert Path(imported.strip()).is_relative_to(folder / ".venv")
    server, origin = running(start, commands[-1], folder, environment)
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
