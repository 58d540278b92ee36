"""The machine's own nginx, with a configuration of a test's."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.harness.django_servers import DEADLINE
from tests.harness.raw_client import get


def nginx_of(folder: Path, server: str) -> list[str]:
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    (folder / "nginx.conf").write_text(
        f"{'user root;' if os.geteuid() == 0 else ''} daemon off; pid {folder}/nginx.pid;"
        f" events {{}} http {{ include /etc/nginx/mime.types; access_log off;"
        f" {temporary} {server} }}"
    )
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    assert nginx, "no nginx on the PATH: apt install nginx-light"
    return [nginx, "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]


def await_port(port: int) -> None:
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            get(port, "/")
            return
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)  # Between looks, until the deadline.


@contextlib.contextmanager
def running(folder: Path, server: str, port: int) -> Iterator[None]:
    process = subprocess.Popen(nginx_of(folder, server))
    try:
        await_port(port)
        yield
    finally:
        process.terminate()
        process.wait(DEADLINE)
