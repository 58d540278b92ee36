"""Starts the example project in each of its variants: two frontends, three ways to them."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.browser.programs import EXAMPLE, Log, Program, free_ports

VITE = ["../node.py", "node", "node_modules/vite/bin/vite.js", "--strictPort", "--host=127.0.0.1"]

Start = Callable[..., Program]


@dataclass(frozen=True)
class Site:
    """One origin, and the logs of the two servers behind it."""

    origin: str
    django: Log
    frontend: Log
    django_sees_every_request: bool


def started_programs(folder: Path) -> Iterator[Start]:
    """Start programs that keep database and uploads in the folder; in the end, stop them."""
    programs: list[Program] = []

    def start(
        command: Sequence[str],
        directory: Path = EXAMPLE,
        variables: Mapping[str, str] | None = None,
    ) -> Program:
        own = {"DEMO_VAR": str(folder / "var"), **(variables or {})}
        programs.append(Program(command, directory, own))
        return programs[-1]

    yield start
    for program in reversed(programs):
        program.stop()


def through_runserver(
    start: Start, frontend: str, variables: Mapping[str, str], options: Sequence[str] = ()
) -> Site:
    """The demo as make runs it: runserver in front, the frontend behind it."""
    port, frontend_port = free_ports(2)
    ports = ["--port", str(port), "--frontend-port", str(frontend_port)]
    command = [sys.executable, "demo.py", *ports, "--frontend", frontend, *options]
    demo = start(command, variables=variables)
    demo.wait_for("Ctrl-C stops both servers")
    django, front = Log(demo, r"^django  \| \[.+\] "), Log(demo, r"^frontend\| ")
    is_fastpath = "DEMO_WITHOUT_FASTPATH" not in variables
    assert not demo.matching("fast path is off")
    return Site(
        f"http://localhost:{port}", django, front, django_sees_every_request=not is_fastpath
    )


def printed(variables: Mapping[str, str]) -> str:
    """What our command prints for the example, as if its servers were at the usual ports."""
    command = [sys.executable, "manage.py", "samesite_proxy", "nginx"]
    environment = {**os.environ, "PYTHONPATH": str(EXAMPLE.parent), **variables}
    return subprocess.run(
        command, cwd=EXAMPLE, env=environment, capture_output=True, text=True, check=True
    ).stdout


def through_nginx(start: Start, frontend: str, folder: Path, *, is_printed: bool) -> Site:
    """nginx in front, with config/nginx.conf and Django without our middleware; or with the file
    that our command prints, and Django with it."""
    port, django_port, frontend_port = map(str, free_ports(3))
    variables = {"DJANGO_SETTINGS_MODULE": "config.variants"}
    text = (EXAMPLE / "config" / "nginx.conf").read_text()
    if is_printed:
        text = printed(variables)
        variables["DEMO_FRONTEND_PORT"] = frontend_port
    else:
        variables["DEMO_WITHOUT_PROXY"] = "1"
    (folder / "var").mkdir()
    for command in ("migrate", "prepare_demo"):
        assert start([sys.executable, "manage.py", command], variables=variables).wait() == 0
    runserver = [sys.executable, "manage.py", "runserver", "--noreload", django_port]
    runserver += ["--nofastpath"] if is_printed else []
    django = start(runserver, variables=variables)
    if frontend == "vite":
        vite = [sys.executable, *VITE, "--port", frontend_port]
        front = start(vite, EXAMPLE / "frontend-vite")
    else:
        front = start([sys.executable, "frontend/serve.py", "--port", frontend_port])
    django.wait_for("Starting development server")
    front.wait_for(rf"http://127\.0\.0\.1:.*{frontend_port}")
    addresses = port, django_port, frontend_port
    start(nginx_command(folder, text, *addresses)).wait_for("start worker process ")
    return Site(f"http://localhost:{port}", Log(django), Log(front), False)


def nginx_command(
    folder: Path, text: str, port: str, django_port: str, frontend_port: str
) -> list[str]:
    """Write the configuration around a file's text, of which only the addresses change."""
    for original, ours in {
        "server host.docker.internal:8000": f"server 127.0.0.1:{django_port}",
        "server host.docker.internal:3000": f"server 127.0.0.1:{frontend_port}",
        "listen 80;": f"listen {port};",
    }.items():
        assert text.count(original) == 1, original
        text = text.replace(original, ours)
    (folder / "default.conf").write_text(text)
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "\n".join(f"    {kind}_temp_path {folder}/{kind};" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"""{"user root;" if os.geteuid() == 0 else ""}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr notice;
events {{}}
http {{
    access_log off;
{temporary}
    include {folder}/default.conf;
}}
"""
    )
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    assert nginx, "no nginx on the PATH: apt install nginx-light"
    return [nginx, "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]
