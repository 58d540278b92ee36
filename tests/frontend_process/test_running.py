"""A frontend that COMMAND starts, while it runs: its environment, its output, its crashes."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from samesite_proxy.conf.commands import Command
from samesite_proxy.frontend_process import packages
from tests.fastpath.commands import APPS, runserver, save
from tests.frontend_process.projects import adopting, copied, refused, said_by, set_up, started
from tests.frontend_process.terminal import Terminal
from tests.harness.ports import free_port
from tests.harness.raw_client import get
from tests.process.processes import await_that


def test_port_is_in_the_command_and_in_the_environment(tmp_path: Path) -> None:
    run = "echo {port}, {port}; LISTEN={port} exec npm run dev"
    with started(copied(tmp_path), "0", run=run) as server:
        port = said_by(server)["PORT"]
        assert f"frontend: up at http://localhost:{port} after" in server.log()
        assert f"frontend | {port}, {port}\n" in server.log()


def test_port_of_frontend_is_in_the_environment_and_comes_first(tmp_path: Path) -> None:
    port = free_port()
    run = "node server.mjs & LISTEN=$PORT exec node server.mjs"
    proxy = {"FRONTEND": f"http://127.0.0.1:{port}", "COMMAND": set_up(copied(tmp_path), run)}
    with runserver("0", proxy=proxy) as server:
        assert f"frontend: up at http://127.0.0.1:{port} after" in server.await_log(": up at ")


def test_list_is_run_without_a_shell(tmp_path: Path) -> None:
    run = ["node", "-e", "console.log(process.argv.slice(1).join('+')); setTimeout(() => {}, 1e6)"]
    with started(copied(tmp_path), "0", run=[*run, "$HOME", "&&"]) as server:
        server.await_log("frontend | $HOME+&&")


def test_each_prefix_has_its_command_folder_and_environment(tmp_path: Path) -> None:
    shop, book = copied(tmp_path / "shop"), copied(tmp_path / "book")
    proxy = {
        "FRONTEND": {"/": "http://localhost:3000", "/storybook": "http://localhost:6006"},
        "COMMAND": {
            "/": set_up(shop, "node server.mjs", DJANGO_ORIGIN="a"),
            "/storybook/": set_up(book, "node server.mjs", DJANGO_ORIGIN="b"),
        },
    }
    with runserver("0", proxy=proxy) as server:
        server.await_log(": up at ", 2)
        assert "frontend /storybook: up at" in server.log()
        assert said_by(server, "/x")["DJANGO_ORIGIN"] == "a"
        assert said_by(server, "/storybook/x")["DJANGO_ORIGIN"] == "b"


def test_crash_is_told_and_mended(tmp_path: Path) -> None:
    with started(copied(tmp_path), "0") as server:
        first = said_by(server)["pid"]
        refused(server, "/crash")
        server.await_log("frontend: `npm run dev` has ended (exit code 1)")
        server.await_log("frontend: started again in 1 s")
        words = b'SAMESITE_PROXY["COMMAND"] is starting the frontend'
        assert words in refused(server).body
        server.await_log(": up at ", 2)
        assert said_by(server)["pid"] != first


def test_frontend_that_starts_again_by_itself_is_found_where_it_is(tmp_path: Path) -> None:
    with started(copied(tmp_path), "0") as server:
        first = said_by(server)["pid"]
        get(server.port, "/move")
        server.await_log(": up at ", 2)
        assert said_by(server)["pid"] == first


@pytest.mark.slow
def test_frontend_that_never_stands_is_given_up(tmp_path: Path) -> None:
    with started(copied(tmp_path), "0", run="node server.mjs", FAIL="3") as server:
        log = server.await_log("frontend: given up")
        assert re.findall(r"again in (\d+) s", log) == ["1", "2", "4", "8"]
        assert "(exit code 3)" in log
        assert get(server.port, "/api/hello/").status == 200


# s; csrc/engine/holding.c has it.
HELD = 5.0

# In Vite's words.
ANOTHER = "Found another Vite dev process for this project at http://localhost:5173/ (PID 7)"
# And in Next's.
SERVER = "Another {}next dev{} server is already running."
ENDS = {
    "another server": (
        {"SAY": SERVER.format("\x1b[36m", "\x1b[39m") + "\n", "FAIL": "1"},
        f"frontend: not started again: {SERVER.format('', '')} Django goes on",
    ),
    "another": (
        {"SAY": f"\x1b[31merror\x1b[39m {ANOTHER}.\nPass --bypass-lock\n", "FAIL": "1"},
        f"frontend: not started again: error {ANOTHER}. Django goes on",
    ),
    "zero": ({"FAIL": "00"}, "frontend: `npm run dev` has ended by itself (exit code 0)."),
}


@pytest.mark.parametrize(("environment", "words"), ENDS.values(), ids=ENDS)
def test_end_that_another_start_would_not_mend_is_told(
    environment: dict[str, str], words: str, tmp_path: Path
) -> None:
    with started(copied(tmp_path), "0", **environment) as server:
        server.await_log(words)
        assert get(server.port, "/api/hello/").status == 200
        assert server.log().count("frontend: starting") == 1
        began = time.monotonic()
        answer = get(server.port, "/x")
        assert time.monotonic() - began < HELD  # It would wait at least so long for what starts.
        assert b"has ended, or could not be started" in answer.body


LOCKS = {
    "package-lock.json": "npm install",
    "pnpm-lock.yaml": "pnpm install",
    "yarn.lock": "yarn install",
    "bun.lock": "bun install",
    "": "npm install",
}


def in_need(folder: Path) -> Path:
    """A project whose packages are not installed."""
    package = json.loads((folder / "package.json").read_text())
    (folder / "package.json").write_text(json.dumps({**package, "devDependencies": {"vite": "8"}}))
    return folder


def test_packages_that_are_not_installed_are_told(tmp_path: Path) -> None:
    folder = in_need(copied(tmp_path / "a shop"))
    for lock, words in LOCKS.items():
        if lock:
            (folder / lock).touch()
        told = packages.missing_for(Command("/", "npm run dev", folder))
        assert told == f"its packages are not installed. Type `cd '{folder}' && {words}`."
        if lock:
            (folder / lock).unlink()
    with started(folder, "--noreload", "0") as server:
        server.await_log(f"frontend: not started: {told} Django goes on")
    (folder / "node_modules").mkdir()
    assert packages.missing_for(Command("/", "npm run dev", folder)) == ""


@pytest.mark.parametrize(
    ("run", "is_refused"),
    [
        *[(f"{install} && npm run dev", False) for install in ("npm install", "npm --silent ci")],
        *[("pnpm i; pnpm dev", False), ("yarn && yarn dev", False), ("yarn\nyarn dev", False)],
        *[("npx -y serve", False), ("pnpm dlx serve", False), ("bun run server.ts", False)],
        *[(run, True) for run in ("npm run dev && npm ci", "yarn dev", "npx vite", "bun run dev")],
        (["npm", "run", "install-hooks"], True),
    ],
    ids=str,
)
def test_command_that_installs_its_packages_is_run(
    run: Any, is_refused: bool, tmp_path: Path
) -> None:
    command = Command("/", run if isinstance(run, str) else tuple(run), in_need(copied(tmp_path)))
    assert ("not installed" in packages.missing_for(command)) == is_refused


def test_file_that_bun_runs_needs_no_package(tmp_path: Path) -> None:
    for run, is_refused in (("bun run ./server.ts", False), ("bun run dev", True)):
        missing = packages.missing_for(Command("/", run, tmp_path))
        assert ("no package.json" in missing) == is_refused


@pytest.mark.parametrize(
    ("run", "code"),
    [
        ("no-such-program --port {port}", 127),
        (["no-such-program"], 127),
        ("./package.json", 126),
        (["./package.json"], 126),
    ],
)
def test_what_is_no_program_is_not_tried_again(run: Any, code: int, tmp_path: Path) -> None:
    with started(copied(tmp_path), "--noreload", "0", run=run) as server:
        words = f"cannot be run (exit code {code}): see above."
        assert words in server.await_log(" goes on without it")
        assert "frontend | " in server.log()
        assert server.log().count("frontend: starting") == 1


def test_folder_of_the_script_is_told(tmp_path: Path) -> None:
    copied(tmp_path)
    run = "npm run dev -- --port {port}"
    with started(tmp_path, "--noreload", "0", run=run) as server:
        words = f'no package.json in {tmp_path}, but in frontend: write "folder": "frontend" in'
        assert words in server.await_log("frontend: not started")
    with started(tmp_path, "--noreload", "0", run="npm run dev --prefix frontend") as server:
        said_by(server)


def test_second_runserver_uses_the_frontend_of_the_first_and_then_its_own(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(started(folder, "0"))
        pid = said_by(first)["pid"]
        second = stack.enter_context(started(folder, "0"))
        words = f"started by another runserver (process {first.process.pid})"
        second.await_log(words)
        server_pid: dict[str, Any] = {}

        def answers(path: str = "/x") -> bool:
            answer = get(second.port, path)
            server_pid.update(json.loads(answer.body) if answer.status == 200 else {})
            return answer.status == 200

        await_that("the first one's frontend answers", answers)
        assert server_pid["pid"] == pid
        first.signal(signal.SIGKILL)
        second.await_log("frontend: up at")
        await_that("its own frontend answers", answers)
        assert server_pid["pid"] != pid


def test_frontend_that_is_given_up_is_free_for_another_runserver(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(started(folder, "--noreload", "0", FAIL="00"))
        first.await_log("has ended by itself")
        second = stack.enter_context(started(folder, "--noreload", "0"))
        assert said_by(second)["url"] == "/x"


def test_frontend_that_cannot_be_seen_from_here_is_up_once(tmp_path: Path) -> None:
    proxy = {"FRONTEND": "http://192.0.2.1:3000", "COMMAND": set_up(tmp_path, "sleep 3")}
    with runserver("--noreload", "0", proxy=proxy) as server:
        log = server.await_log("has ended by itself")
        assert log.count("frontend: up at http://192.0.2.1:3000") == 1


def test_why_asks_the_frontend_where_it_is(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    with started(folder, "0") as server:
        said_by(server)
        question = ["-m", "tests.project.manage", "samesite_proxy", "why", "/x", "--json"]
        proxy = json.dumps({"COMMAND": set_up(folder)})
        asked = subprocess.run(
            [sys.executable, *question],
            env={**os.environ, "SAMESITE_PROXY": proxy, "TEST_INSTALLED_APPS": json.dumps(APPS)},
            stdout=subprocess.PIPE,
            check=True,
        )
        found = json.loads(asked.stdout)
        assert f": up at {found['frontend']} after" in server.log()
        assert found["answer"]["status"] == 200


def test_saved_command_is_said_to_be_another(tmp_path: Path) -> None:
    settings = tmp_path / "saved_settings.py"
    folders = [str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]
    changed = {"PYTHONPATH": os.pathsep.join(folders), "DJANGO_SETTINGS_MODULE": settings.stem}
    folder = copied(tmp_path)
    words = 'SAMESITE_PROXY["COMMAND"] has changed'

    def write(run: str) -> None:
        proxy = {"COMMAND": set_up(folder, run)}
        save(settings, f"from tests.project.settings import *\nSAMESITE_PROXY = {proxy!r}\n")

    write("npm run dev")
    with runserver("0", **changed) as server:
        said_by(server)
        assert words not in server.log()

        def is_said() -> bool:
            write("node server.mjs")  # A change from before its first look is not seen.
            return words in server.log()

        await_that("the change is said", is_said)


def test_strangers_port_is_named_and_not_used(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        proxy = {
            "FRONTEND": f"http://localhost:{port}",
            "COMMAND": set_up(copied(tmp_path), GATE=str(gate)),
        }
        with runserver("0", proxy=proxy) as server:
            refused(server)
            gate.touch()
            held = f"(process {os.getpid()}) in {Path.cwd()}"
            assert held in server.await_log(f"frontend: port {port} is held by ")
            assert said_by(server)["url"] == "/x"
            stranger.settimeout(0)
            with pytest.raises(BlockingIOError):
                stranger.accept()


def test_port_that_is_taken_is_told_with_its_holder(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        run = "LISTEN=$PORT exec node server.mjs"
        proxy = {"FRONTEND": f"http://localhost:{port}", "COMMAND": set_up(copied(tmp_path), run)}
        with runserver("0", proxy=proxy) as server:
            server.await_log("EADDRINUSE")
            server.await_log(f"frontend: port {port} is held by ")


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_line_that_the_terminal_cannot_write_is_shown_as_far_as_it_can(
    encoding: str, tmp_path: Path
) -> None:
    folder = copied(tmp_path / "\u00e4")
    shown = {"utf-8": ("\u279c", "\u00e4"), "ascii": (r"\u279c", r"\xe4")}[encoding]
    proxy = {
        "FRONTEND": {"/": "http://localhost:1", "/f": str(folder)},
        "COMMAND": {"/": set_up(folder, SAY="\u279c one\n")},
    }
    with runserver("--noreload", "0", proxy=proxy, PYTHONIOENCODING=encoding) as server:
        server.await_log(f"frontend | {shown[0]} one\n")
        server.await_log(f": the folder {tmp_path}/{shown[1]}/frontend\n")


@pytest.mark.parametrize("mark", ["", "x" * 50_000], ids=["short", "long"])
def test_line_that_is_not_ended_is_shown(mark: str, tmp_path: Path) -> None:
    said = f"one\ntwo? {mark}ä"
    with started(copied(tmp_path), "--noreload", "0", SAY=said) as server:
        assert f"frontend | two? {mark}ä\n" in server.await_log("ä\n")


def test_no_line_erases_its_name_and_colours_stay(tmp_path: Path) -> None:
    said = "\x1b[2K\x1b[1G\x1b[1mbold\x1b[22m\x1b[?25l\x1b[1A end\n"
    with started(copied(tmp_path), "--noreload", "0", SAY=said) as server:
        assert "frontend | \x1b[1mbold\x1b[22m end\n" in server.await_log(" end\n")


BREAKPOINT = """
from django.http import HttpResponse
from django.urls import path

def stops(request):
    answer = "unset"
    breakpoint()
    return HttpResponse(answer)

urlpatterns = [path("api/stops/", stops)]
"""


def test_breakpoint_in_a_view_has_the_keyboard_and_the_frontend_its_colours(tmp_path: Path) -> None:
    folder = copied(tmp_path)
    (tmp_path / "stopping_urls.py").write_text(BREAKPOINT)
    port = free_port()
    environment = {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")])),
        "SAMESITE_PROXY": json.dumps({"COMMAND": set_up(folder)}),
        "TEST_INSTALLED_APPS": '["samesite_proxy"]',
        "TEST_URLCONF": "stopping_urls",
    }
    with adopting() as orphans, Terminal(["runserver", str(port)], environment) as terminal:
        terminal.await_words(": up at ")
        assert json.loads(get(port, "/x").body)["FORCE_COLOR"] == "1"
        with ThreadPoolExecutor() as browser:
            answer = browser.submit(get, port, "/api/stops/")
            for line in ("answer = 'typed'", "continue"):
                terminal.await_words("(Pdb) ")
                terminal.type(f"{line}\n")
            assert answer.result().body == b"typed"
        terminal.type("\x03")
        assert terminal.process.wait(30) == 0
        orphans.await_none()
        assert "Traceback" not in terminal.shown
