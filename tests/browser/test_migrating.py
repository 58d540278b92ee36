"""docs/migrating.md: a project of two origins, or of Vite's proxy, becomes one of one origin by the
page's own lines."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.programs import EXAMPLE, free_ports
from tests.browser.sites import VITE, Start
from tests.harness.django_servers import ROOT
from tests.recipes.diffs import Diff, diffs_of, side

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("migrating")]

OWN = {"DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONPATH": str(ROOT)}
URLS = """
from django.http import JsonResponse
from django.middleware.csrf import get_token
from django.urls import include, path

def visits(request):
    get_token(request)
    if request.method == "POST":
        request.session["visits"] = request.session.get("visits", 0) + 1
    return JsonResponse({"visits": request.session.get("visits", 0)})

urlpatterns = [path("api/", include([path("visits/", visits)]))]
"""
SESSIONS = 'SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"\n'
PROXIED = "export function api(path, options = {}) {\n  return fetch(path, options);\n}\n"
INDEX = """<!doctype html><title>Visits</title>
<script type="module">
import { api } from "/src/api.js";
window.visit = async () => {
  await api("/api/visits/");
  const token = document.cookie.match(/csrftoken=([^;]+)/)[1];
  const answer = await api("/api/visits/", { method: "POST", headers: { "X-CSRFToken": token } });
  return answer.ok ? await (await api("/api/visits/")).json() : answer.status;
};
</script>
"""
FILES = {
    "config/urls.py": URLS,
    "frontend/index.html": INDEX,
    "frontend/package.json": "{}",
    "frontend/src/api.js": PROXIED,
}
DOCTOR = """
import django; django.setup()
from django.core.management import call_command
from samesite_proxy.management.commands.samesite_proxy import Command
call_command(Command(), "doctor", "--json")
"""
MANY = {"cors", "cookie-samesite", "cookie-secure", "csrf-origin"}


@dataclass(frozen=True)
class Kind:
    section: str
    leftovers: set[str]


# That ours is not installed yet, and that nobody listens at the usual ports.
OF_BOTH = {"samesite_proxy.I002", "fast-path", "frontend-down"}
KINDS = [
    Kind("From CORS settings", {*MANY, "page-address", "page-credentials"}),
    Kind("From Vite's proxy", {"csrf-origin", "dev-server-proxy"}),
]


class Project:
    """In a folder, with the page's own ports; it is served from a copy with others."""

    def __init__(self, folder: Path, kind: Kind) -> None:
        self.folder = folder / "project"
        self.copies = (folder / f"served{number}" for number in range(2))
        self.port, self.frontend_port = free_ports(2)
        self.diffs = diffs_of("docs/migrating.md", kind.section)
        (self.folder / "frontend/src").mkdir(parents=True)
        run(self.folder, "-m", "django", "startproject", "config", ".").check_returncode()
        settings = self.folder / "config/settings.py"
        settings.write_text(settings.read_text().replace("'", '"'))
        for name, text in FILES.items():
            (self.folder / name).write_text(text)
        for diff in self.diffs:
            self._reverse(diff)

    def _reverse(self, diff: Diff) -> None:
        """What is taken out of a file is in it."""
        path = self.folder / diff.path
        if path.name != "settings.py":
            path.write_text(diff.before)
            return
        text = path.read_text()
        for hunk in diff.hunks[:-1]:
            assert text.count(side(hunk, " ")) == 1
            text = text.replace(side(hunk, " "), side(hunk, "-"))
        path.write_text(text + side(diff.hunks[-1], "-") + SESSIONS)

    def apply(self) -> None:
        for diff in self.diffs:
            diff.apply(self.folder)

    def serve(self, start: Start) -> Path:
        """Both servers, from a new copy."""
        folder = next(self.copies)
        shutil.copytree(self.folder, folder)
        for path in folder.rglob("*.*"):
            text = path.read_text().replace("localhost:8000", f"localhost:{self.port}")
            path.write_text(text.replace("localhost:5173", f"localhost:{self.frontend_port}"))
        (folder / "frontend/node_modules").symlink_to(EXAMPLE / "frontend-vite/node_modules")
        vite = [sys.executable, str(EXAMPLE / "node.py"), *VITE[1:]]
        front = start([*vite, "--port", str(self.frontend_port)], folder / "frontend")
        django = start([sys.executable, "manage.py", "runserver", str(self.port)], folder, OWN)
        front.wait_for(str(self.frontend_port))
        django.wait_for("Starting development server")
        return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **OWN}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def told(folder: Path) -> set[str]:
    """What doctor finds wrong or notes, whether our application is installed or not."""
    answer = json.loads(run(folder, "-c", DOCTOR).stdout)
    return {each["id"] for each in answer["findings"] if each["state"] != "ok"}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.section)
def test_project_of_two_servers_gets_one_origin_by_the_page(
    kind: Kind, start: Start, page: Page, tmp_path: Path, vite_installed: None
) -> None:
    project = Project(tmp_path, kind)
    project.serve(start)
    page.goto(f"http://localhost:{project.frontend_port}/")
    assert page.evaluate("visit()") == {"visits": 1}
    assert told(project.folder) - OF_BOTH == kind.leftovers

    page.context.clear_cookies()
    project.port, project.frontend_port = free_ports(2)
    project.apply()
    served = project.serve(start)
    page.goto(f"http://localhost:{project.port}/")
    assert page.evaluate("visit()") == {"visits": 1}
    assert [each["sameSite"] for each in page.context.cookies()] == ["Lax", "Lax"]
    assert told(project.folder) <= OF_BOTH
    assert told(served) == set()
    assert "Nothing is wrong." in run(served, "manage.py", "samesite_proxy", "doctor").stdout
