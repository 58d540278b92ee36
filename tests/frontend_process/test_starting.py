"""runserver starts the frontend, finds it, and ends it with all that it has started."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest

from tests.fastpath.commands import Watched, runserver
from tests.frontend_process.projects import adopting, copied, said_by, set_up
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
            answer = get(port, "/x")
            if answer.status == 200:
                said = json.loads(answer.body)
                assert said["DJANGO_ORIGIN"] == f"http://localhost:{port}"
                assert answer.get("Location") == "/elsewhere"
            return answer.status == 200

        await_that("the frontend's answer", answers)
        server.interrupt()
        orphans.await_none()
        assert "Traceback" not in server.log()


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
