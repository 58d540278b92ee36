"""runserver starts the frontend, finds it, and ends it with all that it has started."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fastpath.commands import APPS, Watched, runserver
from tests.frontend_process.projects import adopting, copied, refused, said_by, set_up
from tests.harness.django_servers import Program
from tests.harness.ports import free_port
from tests.harness.raw_client import get
from tests.process.processes import await_that

DAPHNE = {
    "TEST_INSTALLED_APPS": json.dumps(["samesite_proxy", "daphne"]),
    "TEST_SETTINGS": json.dumps({"ASGI_APPLICATION": "tests.project.plain_asgi.application"}),
}
WAYS = {
    "reloading": ([], {}),
    "alone": (["--noreload"], {}),
    "reloading without the fast path": (["--nofastpath"], {}),
    "alone without the fast path": (["--noreload", "--nofastpath"], {}),
    "reloading daphne": ([], DAPHNE),
    "daphne alone": (["--noreload"], DAPHNE),
}


@pytest.mark.parametrize(("options", "changes"), WAYS.values(), ids=WAYS)
def test_command_is_started_found_and_ended(
    options: list[str], changes: dict[str, str], tmp_path: Path
) -> None:
    port = free_port()
    proxy = {"COMMAND": set_up(copied(tmp_path), LATE="1500")}
    with adopting() as orphans, runserver(*options, str(port), proxy=proxy, **changes) as server:
        log = server.await_log("frontend: up at ")
        found = re.search(r"up at http://localhost:(\d+) after", log)
        assert found

        def answers() -> bool:
            try:
                answer = get(port, "/x")
            except ConnectionRefusedError:
                return False  # daphne listens later than its frontend does
            if answer.status == 200:
                said = json.loads(answer.body)
                assert said["DJANGO_ORIGIN"] == f"http://localhost:{port}"
                assert answer.get("Location") == "/elsewhere"
            return answer.status == 200

        await_that("the frontend's answer", answers)
        server.await_log("Frontend: by COMMAND, `npm run dev`")
        server.interrupt()
        orphans.await_none()
        assert "Traceback" not in server.log()


MEMORY = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
DATABASE = {"TEST_SETTINGS": json.dumps({"DATABASES": MEMORY})}


def test_testserver_starts_it_as_runserver_does(tmp_path: Path) -> None:
    fixture = tmp_path / "fixture.json"
    fixture.write_text("[]")
    environment = {
        "SAMESITE_PROXY": json.dumps({"COMMAND": set_up(copied(tmp_path))}),
        "TEST_INSTALLED_APPS": json.dumps(APPS),
        **DATABASE,
    }
    arguments = ["testserver", str(fixture), "--noinput", "--addrport", "0"]
    with adopting() as orphans:
        server = Program("testserver", ["-m", "tests.project.manage", *arguments], environment)
        try:
            await_that("the frontend is up", lambda: "frontend: up at " in server.log())
            server.signal(signal.SIGINT)
            server.wait()
            orphans.await_none()
            assert "Traceback" not in server.log()
        finally:
            server.stop()


LOADED = """
import sys
import django
django.setup()
from django.core.management import call_command, load_command_class
load_command_class("samesite_proxy", "runserver")
call_command("check")
call_command("migrate", verbosity=0)
call_command("shell", command="print()", verbosity=0)
print(*sorted(name for name in sys.modules if name.startswith("samesite_proxy.")))
"""


@pytest.mark.parametrize("command", [None, "npm run dev"])
def test_nothing_of_it_is_loaded_without_command_nor_by_other_commands(command: str | None) -> None:
    environment = {
        "SAMESITE_PROXY": json.dumps({"COMMAND": command} if command else {}),
        "TEST_INSTALLED_APPS": json.dumps(APPS),
        "DJANGO_SETTINGS_MODULE": "tests.project.settings",
        **DATABASE,
    }
    done = subprocess.run(
        [sys.executable, "-c", LOADED],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found = {name.partition(".")[2] for name in done.stdout.splitlines()[-1].split()}
    assert "management" in found
    assert "frontend_process" not in found
    assert ("conf.commands" in found) is (command is not None)


ASKING = {"TEST_SETTINGS": json.dumps({"WSGI_APPLICATION": "tests.frontend_process.asking.asking"})}


@pytest.mark.parametrize("changes", [{}, ASKING], ids=["by the listener", "by Django"])
def test_host_of_the_frontend_is_the_one_that_it_has_now(
    changes: dict[str, str], tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    folder = copied(tmp_path)
    proxy = {"HOST_HEADER": "frontend", "COMMAND": set_up(folder, GATE=str(gate))}
    with runserver("0", proxy=proxy, **changes) as server:
        refused(server)
        gate.touch()
        host = said_by(server)["host"]
        assert f"frontend: up at http://{host} after" in server.log()
        get(server.port, "/move")
        log = server.await_log(": up at ", 2)
        host = said_by(server)["host"]
        assert f"frontend: up at http://{host} after" in log


def test_banner_says_where_the_frontend_is_and_whether_it_is_up(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    watched = Watched(tmp_path)
    proxy = {"COMMAND": set_up(copied(tmp_path), GATE=str(gate))}
    changes = {**watched.environment, "TEST_DEV_PORTS": "[]"}  # Whether it is up is looked for.
    with runserver("0", proxy=proxy, **changes) as server:
        server.await_log("Frontend: by COMMAND, `npm run dev` (not running yet)\n")
        gate.touch()
        said_by(server)
        watched.save(server)
        found = re.search(r"up at (\S+) after", server.log())
        assert found
        server.await_log(f"Frontend: {found[1]} (up), by COMMAND, `npm run dev`\n")


def test_save_while_the_frontend_starts_starts_no_other(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    watched = Watched(tmp_path)
    proxy = {"COMMAND": set_up(copied(tmp_path), GATE=str(gate))}
    with runserver("0", proxy=proxy, **watched.environment) as server:
        server.await_banner()
        watched.save(server)
        gate.touch()
        assert said_by(server)["url"] == "/x"
        assert server.log().count("frontend: starting") == 1


def test_frontend_stands_while_django_is_reloaded(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    proxy = {"COMMAND": set_up(copied(tmp_path))}
    with runserver("0", proxy=proxy, **watched.environment) as server:
        first = said_by(server)
        watched.save(server)
        assert said_by(server)["pid"] == first["pid"]
        assert server.log().count("frontend: starting") == 1
        server.signal(signal.SIGTERM)
        server.wait()
