"""Installs the wheel where there is nothing, and forwards there: the proof that pip is enough.

Fresh Debians with python3 and python3-venv alone, made by debootstrap. In each, runserver with the
fast path, gunicorn and uvicorn pass a page, an upload and a WebSocket on to a frontend outside, by
http and https. Every line that is printed is something that was found to be so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.harness.django_servers import ROOT, Program, free_port
from tests.harness.raw_client import RawClient
from tests.harness.scripted_upstream import scripted
from tests.harness.tls import make_certificate, over_tls, rehashed
from tests.packaging.wheel_frontend import BODY, PAGE, frontend, is_echoed, is_page, is_uploaded

MIRROR = "http://deb.debian.org/debian"
DEBIANS = {"bookworm": "Debian 12", "trixie": "Debian 13"}
WORK = ROOT / "build" / "wheel-check"

SETTINGS = """
import os

ALLOWED_HOSTS, DEBUG, ROOT_URLCONF, SECRET_KEY = ["*"], False, __name__, "only for this"
INSTALLED_APPS = ["samesite_proxy"]
MIDDLEWARE = ["samesite_proxy.middleware.SameSiteProxyMiddleware"]
SAMESITE_PROXY = {"FRONTEND": os.environ["FRONTEND"]}
urlpatterns = []
"""
SERVER_FILES = {
    "site_settings.py": SETTINGS,
    "site_wsgi.py": "from samesite_proxy.wsgi import get_wsgi_application as application_of\n"
    "application = application_of()\n",
    "site_asgi.py": "from samesite_proxy.asgi import get_asgi_application as application_of\n"
    "application = application_of()\n",
}
SERVERS = {
    "runserver": ["-m", "django", "runserver", "--noreload", "{port}"],
    "gunicorn": ["-m", "gunicorn", "-b", "127.0.0.1:{port}", "--worker-class", "gthread",
                 "--threads", "4", "--no-control-socket", "site_wsgi:application"],
    "uvicorn": ["-m", "uvicorn", "--port", "{port}", "site_asgi:application"],
}  # fmt: skip


def say(line: str) -> None:
    print(line, flush=True)


def require(holds: object, claim: str) -> None:
    """Prints what holds, or ends."""
    if not holds:
        raise SystemExit(f"wheel-check: it does not hold that {claim}")
    say(f"  {claim}")


def settings_of_pip() -> dict[str, str]:
    """What this machine's pip is told, where from and by whom to fetch."""
    said = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    )
    found = {}
    for line in said.stdout.splitlines():
        key, _, value = line.partition("=")
        name = key.rpartition(".")[2].upper().replace("-", "_")
        found[f"PIP_{name}"] = value.strip("'\"")
    proxies = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    return {**found, **proxies}


class Debian:
    """One fresh system, below a folder."""

    def __init__(self, suite: str) -> None:
        self.suite = suite
        self.root = WORK / suite
        self.python = "/site/venv/bin/python"
        shutil.rmtree(self.root, ignore_errors=True)
        self.root.mkdir(parents=True)
        self.run_outside(
            "debootstrap", "--variant=minbase", "--include=python3,python3-venv", suite,
            str(self.root), MIRROR,
        )  # fmt: skip
        for name in ("resolv.conf", "hosts"):
            shutil.copy(f"/etc/{name}", self.root / "etc" / name)

    @staticmethod
    def run_outside(*command: str) -> str:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(
                f"{(done.stdout + done.stderr)[-3000:]}\nwheel-check: {command} failed"
            )
        return done.stdout

    def command(self, *command: str, **environment: str) -> list[str]:
        path = "/usr/sbin:/usr/bin:/sbin:/bin"
        pairs = {"PATH": path, "HOME": "/root", "LANG": "C.UTF-8", **environment}
        inside = ["env", "-i", "-C", "/site", *(f"{name}={pairs[name]}" for name in pairs)]
        return ["chroot", str(self.root), *inside, *command]

    def run(self, *command: str, **environment: str) -> str:
        return self.run_outside(*self.command(*command, **environment)).strip()

    def bring(self, path: Path, to: str) -> str:
        target = self.root / to.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
        return to

    def pip_environment(self) -> dict[str, str]:
        """A file that pip is told of goes along."""
        found = settings_of_pip()
        for name, value in found.items():
            if Path(value).is_file():
                found[name] = self.bring(Path(value), f"/site/{name.lower()}")
        return found

    def files(self, *patterns: str) -> list[str]:
        return [str(path) for pattern in patterns for path in self.root.glob(pattern)]

    def install(self, wheel: Path) -> None:
        (self.root / "site").mkdir()
        for name, text in SERVER_FILES.items():
            (self.root / "site" / name).write_text(text)
        compilers = self.files("usr/bin/*gcc*", "usr/bin/cc", "usr/bin/clang*", "usr/bin/c99*")
        require(not compilers, "there is no compiler")
        require(not self.files("usr/lib/**/libcurl*"), "there is no libcurl")
        require(not self.files("usr/include/python*", "usr/include/curl"), "there are no headers")
        self.run("python3", "-m", "venv", "/site/venv")
        inside = self.bring(wheel, f"/site/{wheel.name}")
        self.run(
            self.python, "-m", "pip", "install", "-q", f"{inside}[asgi]", "gunicorn", "uvicorn",
            **self.pip_environment(),
        )  # fmt: skip
        code = (
            "import sys, django; print(*sys.version_info[:3], sep='.'); print(django.__version__)"
        )
        python, django = self.run(self.python, "-c", code).split()
        say(f"  pip install {wheel.name}[asgi] gunicorn uvicorn: Python {python}, Django {django}")


def libraries_of(program: Program) -> set[str]:
    """What is mapped into the server's processes."""
    found = set()
    for pid in program.pids():
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            if ".so" in line:
                found.add(line.split()[-1].rpartition("/")[2])
    return found


def look_at(program: Program) -> None:
    libraries = libraries_of(program)
    require("_engine.abi3.so" in libraries, "the engine is mapped")
    tls = {name for name in libraries if name.startswith(("libcurl", "libssl", "libcrypto"))}
    pythons = any(name.startswith(("_ssl.", "_hashlib.")) for name in libraries)
    require(not tls or (pythons and not any("curl" in name for name in tls)),
            f"no libcurl is, and no OpenSSL but Python's own: {sorted(tls)}")  # fmt: skip


def forward(debian: Debian, server: str, address: str, **trust: str) -> None:
    port = free_port()
    arguments = [part.format(port=port) for part in SERVERS[server]]
    environment = {"DJANGO_SETTINGS_MODULE": "site_settings", "FRONTEND": address, **trust}
    command = debian.command(debian.python, *arguments, PYTHONUNBUFFERED="1", **environment)
    trusted = ", trusted by SSL_CERT_FILE" if trust else ""
    say(f" {server}, {address.partition(':')[0]} frontend{trusted}")
    program = Program(server, command[1:], {}, python=command[0], folder=Path("/"))
    program.await_listener(port)
    try:
        with RawClient(port) as client:
            # The first to a host comes through the middleware, the next on the fast path.
            require(all([is_page(client), is_page(client)]), f"a page of {len(PAGE)} bytes crosses")
            require(is_uploaded(client), f"an upload of {len(BODY)} bytes crosses")
        with RawClient(port) as client:
            require(is_echoed(client), "a WebSocket's message crosses, and its answer")
        look_at(program)
        log = program.log()
        require("Traceback" not in log, "nothing is said of an error")
        if server == "runserver":
            require("fast path is off" not in log, "the fast path is on")
    except BaseException:
        say(program.log())
        raise
    finally:
        program.stop()


def refused(debian: Debian, address: str) -> None:
    """Without the certificate's authority there is no page."""
    port = free_port()
    arguments = [part.format(port=port) for part in SERVERS["gunicorn"]]
    environment = {"DJANGO_SETTINGS_MODULE": "site_settings", "FRONTEND": address}
    command = debian.command(debian.python, *arguments, **environment)
    program = Program("refused", command[1:], {}, python=command[0], folder=Path("/"))
    try:
        program.await_listener(port)
        with RawClient(port) as client:
            client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            require(client.read_answer().status == 502, "an unknown certificate is a 502")
    finally:
        program.stop()


def check(suite: str, wheel: Path) -> None:
    say(f"{DEBIANS[suite]} ({suite}), python3 and python3-venv alone")
    debian = Debian(suite)
    debian.install(wheel)
    with scripted(frontend) as upstream:
        for server in SERVERS:
            forward(debian, server, upstream.url)
    certificate = make_certificate(WORK, "localhost")
    with scripted(over_tls(certificate.context, frontend)) as upstream:
        address = f"https://localhost:{upstream.port}"
        refused(debian, address)
        for server in SERVERS:
            trusted = debian.bring(Path(certificate.path), "/site/trusted.pem")
            forward(debian, server, address, SSL_CERT_FILE=trusted)
        # Where Debian keeps its own, by the name that OpenSSL looks for.
        rehashed(debian.root / "etc" / "ssl" / "certs", certificate, link="/site/trusted.pem")
        forward(debian, "gunicorn", address)


def main() -> None:
    if os.geteuid() != 0:
        raise SystemExit("wheel-check: debootstrap and chroot need root")
    (wheel,) = (ROOT / "dist").glob("*-cp311-abi3-*x86_64.whl")
    for suite in sys.argv[1:] or DEBIANS:
        check(suite, wheel)
    say("wheel-check: all of it holds")


if __name__ == "__main__":
    main()
