#!/usr/bin/env python3
"""Runs the example: a frontend server and Django's runserver, to be seen as one site."""

import argparse
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from types import FrameType
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
VITE = HERE / "frontend-vite"
PYTHON = sys.executable
LOOPBACK = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
SECONDS_TO_START = 60.0
SECONDS_TO_STOP = 5.0


class Stopped(Exception):
    """Ctrl-C, or another signal that asks us to end."""


class Failed(Exception):
    """The demo cannot go on; the message is one line that says why."""


class Ended(NamedTuple):
    """A child process has ended by itself."""

    name: str
    code: int


class Children:
    """Processes whose output appears here with a prefix, and which end with us.

    Each child leads a process group of its own: a Ctrl-C reaches us alone, and we end each group
    as a whole, with the processes that the child started.
    """

    def __init__(self) -> None:
        self._groups: list[subprocess.Popen[str]] = []
        self._events: SimpleQueue[Ended | None] = SimpleQueue()
        self._output = threading.Lock()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup
                signal.signal(number, self._signal)

    def _signal(self, number: int, frame: FrameType | None) -> None:
        self._events.put(None)

    def _follow(self, name: str, child: subprocess.Popen[str]) -> None:
        assert child.stdout is not None
        with child.stdout:
            for line in child.stdout:
                try:
                    self.say(f"{name:8}| {line.rstrip()}")
                except OSError:  # Nobody reads our output any more.
                    self._events.put(None)

    def _await(self, name: str, child: subprocess.Popen[str], follower: threading.Thread) -> None:
        code = child.wait()
        follower.join(1.0)  # Its last words come before the news of its end.
        self._events.put(Ended(name, code))

    def say(self, text: str) -> None:
        """Print whole lines, never mixed with a child's."""
        with self._output:
            print(text, flush=True)

    def start(self, name: str, command: Sequence[str], folder: Path = HERE) -> None:
        """Start a child; its standard error joins its output."""
        child = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._groups.append(child)
        follower = threading.Thread(target=self._follow, args=(name, child), daemon=True)
        follower.start()
        threading.Thread(target=self._await, args=(name, child, follower), daemon=True).start()

    def wait(self, seconds: float | None = None) -> Ended | None:
        """Wait until a child ends, at most so long. Raises Stopped at Ctrl-C."""
        try:
            event = self._events.get(timeout=seconds)
        except Empty:
            return None
        if event is None:
            raise Stopped
        return event

    def run(self, name: str, command: Sequence[str], folder: Path = HERE) -> None:
        """Run a child to its end, which must be a success."""
        self.start(name, command, folder)
        ended = self.wait()
        if ended is None or ended.code != 0:
            raise Failed(f"this failed: {' '.join(command)}")
        self._groups.pop()

    def stop(self) -> None:
        """End every process of every group, politely first."""
        self._signal_groups(signal.SIGTERM)
        deadline = time.monotonic() + SECONDS_TO_STOP
        while self._some_live() and time.monotonic() < deadline:
            time.sleep(0.02)
        self._signal_groups(signal.SIGKILL)

    def _some_live(self) -> bool:
        return any(self._signal_group(child, 0) for child in self._groups)

    def _signal_groups(self, number: int) -> None:
        for child in self._groups:
            self._signal_group(child, number)

    @staticmethod
    def _signal_group(child: subprocess.Popen[str], number: int) -> bool:
        try:
            os.killpg(child.pid, number)
        except (
            ProcessLookupError,
            PermissionError,
        ):  # macOS says the latter of zombies.
            return False
        return True


def is_answering(port: int) -> bool:
    """Tell whether something listens on the port, under either loopback address."""
    for family, address in LOOPBACK:
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.settimeout(1.0)
                if probe.connect_ex((address, port)) == 0:
                    return True
        except OSError:  # This machine has no IPv6.
            continue
    return False


def page_status(port: int) -> int:
    """Ask for the front page through Django's port."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS_TO_START)
    try:
        connection.request("GET", "/", headers={"Host": f"localhost:{port}"})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def check_ports(options: argparse.Namespace) -> None:
    """Refuse ports that are taken, before anything is started."""
    if options.port == options.frontend_port:
        raise Failed(f"Django and the frontend cannot both have port {options.port}")
    for port, name in (
        (options.port, "PORT"),
        (options.frontend_port, "FRONTEND_PORT"),
    ):
        if is_answering(port):
            raise Failed(f"port {port} is taken; stop what runs there or try make demo {name}=...")


def set_environment(options: argparse.Namespace) -> None:
    """Set what the children inherit: unbuffered output, and the settings to use."""
    os.environ["PYTHONUNBUFFERED"] = "1"
    if options.frontend_port != 3000:
        os.environ["DEMO_FRONTEND_PORT"] = str(options.frontend_port)
    varied = any(name.startswith("DEMO_") for name in os.environ)
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.variants" if varied else "config.settings"


def prepare(children: Children, options: argparse.Namespace) -> None:
    """Bring database, user and Vite's packages up to date; quick when they are."""
    if options.frontend == "vite":
        lock = VITE / "package-lock.json"
        installed = VITE / "node_modules" / ".package-lock.json"  # npm writes it last.
        if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
            children.say("Installing Vite and React with npm ci")
            npm_ci = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]
            children.run("npm", [PYTHON, "../node.py", *npm_ci], VITE)
    Path(os.environ.get("DEMO_VAR", HERE / "var")).mkdir(parents=True, exist_ok=True)
    children.run("django", [PYTHON, "manage.py", "migrate", "--verbosity", "0"])
    children.run("django", [PYTHON, "manage.py", "prepare_demo"])


def start_servers(children: Children, options: argparse.Namespace) -> None:
    """Start both servers and wait until the page arrives through Django's port."""
    port = str(options.frontend_port)
    if options.frontend == "vite":
        vite = ["node", "node_modules/vite/bin/vite.js", "--port", port, "--strictPort"]
        children.start("frontend", [PYTHON, "../node.py", *vite], VITE)
    else:
        children.start("frontend", [PYTHON, "frontend/serve.py", "--port", port])
    runserver = [PYTHON, "manage.py", "runserver", str(options.port)]
    children.start("django", [*runserver, "--noreload"] if options.noreload else runserver)
    deadline = time.monotonic() + SECONDS_TO_START
    status, pause = 0, 0.1
    while status != 200:
        if is_answering(options.frontend_port) and is_answering(options.port):
            status, pause = page_status(options.port), 1.0
        if status != 200 and (ended := children.wait(pause)):
            raise Failed(f"{ended.name} ended with code {ended.code}")
        if time.monotonic() > deadline:
            raise Failed(f"no page after {SECONDS_TO_START:.0f} s; status: {status or 'none'}")


def introduce(children: Children, options: argparse.Namespace) -> None:
    """Print where to go and what to try."""
    origin = f"http://localhost:{options.port}"
    children.say(
        f"""
  Open {origin}/    Log in as demo, password demo.    Ctrl-C stops both servers.

  {origin}/                    the frontend's page (port {options.frontend_port}), through Django
  {origin}/dj/login/           Django: log in
  {origin}/csr-api-call.html   the frontend's: calls the API, posts an image
  {origin}/blog/               Django: the posts; /admin/ and /api/me/ are Django's too
"""
    )


def demo(children: Children, options: argparse.Namespace) -> int:
    """Run it all and return the exit code."""
    try:
        check_ports(options)
        set_environment(options)
        prepare(children, options)
        start_servers(children, options)
        introduce(children, options)
        if not options.once and (ended := children.wait()):
            raise Failed(f"{ended.name} ended with code {ended.code}")
    except Stopped:
        children.say("Stopping both servers")
    except Failed as reason:
        print(f"demo: {reason}", file=sys.stderr, flush=True)
        return 1
    finally:
        children.stop()
    return 0


def port_number(text: str) -> int:
    """Read a port from the command line."""
    port = int(text)
    if not 0 < port < 65536:
        raise ValueError(text)
    return port


def main() -> int:
    """Read the command line and run the demo."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=port_number, default=8000, help="Django's, for the browser")
    parser.add_argument("--frontend-port", type=port_number, default=3000)
    parser.add_argument("--frontend", choices=["static", "vite"], default="static")
    parser.add_argument("--noreload", action="store_true", help="let edited files rest")
    parser.add_argument("--once", action="store_true", help="stop as soon as both have answered")
    return demo(Children(), parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
