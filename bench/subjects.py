"""What is measured: each kind of server in front of the same upstream."""

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench import caddy, golang, haproxy, nginx, vite
from bench.machine import Cores
from bench.servers import Server, Servers, free_port

THREADS = 32

OURS = "ours"
NOOP = "no-op view"
REVPROXY = "django-revproxy"
REVPROXY_RUNSERVER = "django-revproxy, runserver"
NGINX = "nginx"
UNBUFFERED = "nginx, uploads unbuffered"
HAPROXY = "HAProxy"
CADDY = "Caddy"
GO = "Go's ReverseProxy"
VITE = "Vite's proxy"
DIRECT = "direct"
AIOHTTP = "aiohttp proxy"
WRAPPED = "wrapped-gthread"
FOLDER = "a folder"
WHITENOISE = "WhiteNoise"
UVICORN = "uvicorn"
RUNSERVER = "runserver"
FASTPATH = "the fast path"
FEED = "the fast path, DEBUG"
PLAIN = "plain runserver"
NO_DELAY = "TCP_NODELAY runserver"

# What stands in front of the upstream without Django.
PROXIES: Mapping[str, Callable[[Path, int, str], list[str]]] = {
    NGINX: nginx.proxy_command,
    UNBUFFERED: nginx.unbuffered_proxy_command,
    HAPROXY: haproxy.proxy_command,
    CADDY: caddy.proxy_command,
    GO: golang.proxy_command,
    VITE: vite.proxy_command,
}

# The settings of a Django project, where they are not those with our middleware alone.
SETTINGS: Mapping[str, str] = {
    REVPROXY: "revproxy_settings",
    REVPROXY_RUNSERVER: "revproxy_settings",
    FASTPATH: "fastpath_settings",
    FEED: "feed_settings",
    FOLDER: "folder_settings",
    WHITENOISE: "whitenoise_settings",
    PLAIN: "plain_settings",
    NO_DELAY: "no_delay_settings",
}

RUNSERVERS = (RUNSERVER, FASTPATH, FEED, PLAIN, NO_DELAY, REVPROXY_RUNSERVER)


# What is compared where its compiler is, and left out where it is not.
LACKING: Mapping[str, Callable[[], str | None]] = {GO: golang.lacking}


def lacking(name: str) -> str | None:
    """Say why a server cannot be measured on this machine; None where it can."""
    return LACKING[name]() if name in LACKING else None


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
    if name in RUNSERVERS:
        return runserver(port)
    if name in (UVICORN, AIOHTTP):
        return uvicorn(port, "asgi" if name == UVICORN else "aiohttp_proxy")
    if name == WRAPPED:
        return gunicorn(port, folder, "gthread", "wrapped_wsgi")
    return gunicorn(port, folder, "gthread" if name in (REVPROXY, FOLDER, WHITENOISE) else name)


def start_django(servers: Servers, name: str, upstream: Server, cores: Cores) -> Server:
    """Start the project under the server that the name says."""
    folder, port = servers.folder(name), free_port()
    command = command_of(name, folder, port)
    environment = {
        "DJANGO_SETTINGS_MODULE": f"bench.project.{SETTINGS.get(name, 'settings')}",
        "BENCH_UPSTREAM": upstream.url,
        "BENCH_CA": str(upstream.certificate or ""),
        "BENCH_FILES": str(upstream.files or ""),
        "PYTHONUNBUFFERED": "1",
    }
    return servers.start(name, command, folder, port, cores.server, environment)


def start(servers: Servers, name: str, upstream: Server, cores: Cores) -> Server:
    """Start the server of a subject in front of the upstream, which may be the subject itself."""
    if name == DIRECT:
        return upstream
    if name not in PROXIES:
        return start_django(servers, name, upstream, cores)
    folder, port = servers.folder(name), free_port()
    is_tls = name == NGINX and upstream.certificate is not None
    command_for = nginx.tls_proxy_command if is_tls else PROXIES[name]
    command = command_for(folder, port, upstream.address)
    return servers.start(name, command, folder, port, cores.server)


def self_signed(folder: Path) -> Path:
    """Make a certificate for 127.0.0.1, with its key in the same file."""
    file = folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "/dev/stdout"]
    file.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
    return file


def start_upstream(
    servers: Servers,
    files: Path,
    cores: Cores,
    *,
    send_buffer: int | None = None,
    tls: bool = False,
    closes: bool = False,
) -> Server:
    """Start the frontend's stand-in: nginx, which serves files."""
    folder, port = servers.folder("upstream"), free_port()
    certificate = self_signed(folder) if tls else None
    behaviour = nginx.Behaviour(send_buffer=send_buffer, certificate=certificate, closes=closes)
    command = nginx.upstream_command(folder, port, files, behaviour)
    return servers.start(
        "upstream", command, folder, port, cores.load, certificate=certificate, files=files
    )


def start_live(servers: Servers, cores: Cores) -> Server:
    """Start the upstream that has WebSockets and event streams."""
    folder, port = servers.folder("live"), free_port()
    command = [sys.executable, "-m", "bench.live", str(port)]
    return servers.start("live", command, folder, port, cores.load)


def start_many(servers: Servers, cores: Cores, tls: bool) -> Server:
    """Start the upstream of thousands of connections."""
    folder, port = servers.folder("many"), free_port()
    certificate = self_signed(folder) if tls else None
    command = [sys.executable, "-m", "bench.many", str(port)]
    command += [str(certificate)] if certificate else []
    return servers.start("many", command, folder, port, cores.load, certificate=certificate)


def start_sink(servers: Servers, cores: Cores) -> Server:
    """Start the upstream that takes uploads."""
    folder, port = servers.folder("sink"), free_port()
    command = [sys.executable, "-m", "bench.sink", str(port)]
    return servers.start("sink", command, folder, port, cores.load)


def start_project(servers: Servers, cores: Cores) -> Server:
    """Start Vite's dev server with the generated project."""
    folder, port = servers.folder("vite"), free_port()
    return servers.start("vite", vite.project_command(folder, port), folder, port, cores.load)
