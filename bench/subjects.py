"""What is measured: each kind of server in front of the same upstream."""

import sys
from dataclasses import dataclass
from pathlib import Path

from bench import nginx
from bench.machine import Cores
from bench.servers import Server, Servers, free_port

THREADS = 32

OURS = "ours"
NOOP = "no-op view"
REVPROXY = "django-revproxy"
NGINX = "nginx"
AIOHTTP = "aiohttp proxy"
WRAPPED = "wrapped-gthread"
UVICORN = "uvicorn"


@dataclass(frozen=True)
class Subject:
    """One answer to measure: who gives it, and under which path."""

    name: str
    server: str
    prefix: str = ""

    def url(self, server: Server, path: str) -> str:
        return f"http://{server.address}{self.prefix}{path}"


def gunicorn(port: int, folder: Path, worker_class: str, module: str = "wsgi") -> list[str]:
    """One worker with as many threads as connections, for every project alike."""
    threads = ["--threads", str(THREADS)] if worker_class == "gthread" else []
    return [
        *[sys.executable, "-m", "gunicorn", f"bench.project.{module}:application"],
        *["--bind", f"127.0.0.1:{port}", "--worker-class", worker_class, "--workers", "1"],
        *[*threads, "--keep-alive", "75", "--timeout", "300", "--log-level", "error"],
        *["--worker-tmp-dir", str(folder), "--no-control-socket"],
    ]


def uvicorn(port: int, module: str) -> list[str]:
    """One process, without a line per request."""
    return [
        *[sys.executable, "-m", "uvicorn", f"bench.project.{module}:application"],
        *["--host", "127.0.0.1", "--port", str(port)],
        *["--no-access-log", "--log-level", "error", "--lifespan", "off"],
    ]


def runserver(port: int) -> list[str]:
    """Do what manage.py runserver does, without the reloader."""
    return [sys.executable, "-m", "django", "runserver", "--noreload", f"127.0.0.1:{port}"]


def command_of(name: str, folder: Path, port: int) -> list[str]:
    """The command of a server of ours, or of what stands in its place."""
    if name == "runserver":
        return runserver(port)
    if name in (UVICORN, AIOHTTP):
        return uvicorn(port, "asgi" if name == UVICORN else "aiohttp_proxy")
    if name == WRAPPED:
        return gunicorn(port, folder, "gthread", "wrapped_wsgi")
    return gunicorn(port, folder, name)


def start_django(
    servers: Servers, name: str, upstream: str, cores: Cores, settings: str = "settings"
) -> Server:
    """Start the project under the server that the name says."""
    folder, port = servers.folder(name), free_port()
    command = command_of(name, folder, port)
    environment = {
        "DJANGO_SETTINGS_MODULE": f"bench.project.{settings}",
        "BENCH_UPSTREAM": f"http://{upstream}",
    }
    return servers.start(name, command, folder, port, cores.server, environment)


def start(servers: Servers, name: str, upstream: str, cores: Cores) -> Server:
    """Start the server of a subject in front of the upstream, given as address:port."""
    if name == REVPROXY:
        return start_django(servers, "gthread", upstream, cores, "revproxy_settings")
    if name != NGINX:
        return start_django(servers, name, upstream, cores)
    folder, port = servers.folder(name), free_port()
    command = nginx.proxy_command(folder, port, upstream)
    return servers.start(name, command, folder, port, cores.server)


def start_upstream(servers: Servers, files: Path, cores: Cores) -> Server:
    """Start the frontend's stand-in: nginx, which serves files."""
    folder, port = servers.folder("upstream"), free_port()
    command = nginx.upstream_command(folder, port, files)
    return servers.start("upstream", command, folder, port, cores.load)


def start_live(servers: Servers, cores: Cores) -> Server:
    """Start the upstream that has WebSockets and event streams."""
    folder, port = servers.folder("live"), free_port()
    command = [sys.executable, "-m", "bench.live", str(port)]
    return servers.start("live", command, folder, port, cores.load)


def start_sink(servers: Servers, cores: Cores) -> Server:
    """Start the upstream that takes uploads."""
    folder, port = servers.folder("sink"), free_port()
    command = [sys.executable, "-m", "bench.sink", str(port)]
    return servers.start("sink", command, folder, port, cores.load)
