"""The READMEs' nginx without a container, by their line: the example's file, other addresses."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.harness.django_servers import ROOT
from tests.harness.http_requests import Recorder
from tests.harness.nginx import running
from tests.harness.ports import free_port
from tests.harness.raw_client import get
from tests.harness.scripted_upstream import scripted

LINE = re.compile(r"^(sed .+) \| sudo tee /etc/nginx/conf\.d/samesite\.conf$", re.MULTILINE)


def saying(word: bytes) -> Recorder:
    return Recorder(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(word), word))


@pytest.mark.parametrize("page", ["README.ko.md", "example_project/README.md"])
def test_nginx_of_the_machine_divides_the_site_as_the_container_does(
    page: str, tmp_path: Path
) -> None:
    (line,) = LINE.findall((ROOT / page).read_text())
    text = subprocess.run(
        ["sh", "-c", line], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    port = free_port()
    with scripted(saying(b"Django")) as django, scripted(saying(b"frontend")) as frontend:
        for printed, own in {
            "listen 8080;": f"listen 127.0.0.1:{port};",
            "server 127.0.0.1:8000 ": f"server 127.0.0.1:{django.port} ",
            "server 127.0.0.1:3000 ": f"server 127.0.0.1:{frontend.port} ",
        }.items():
            assert text.count(printed) == 1
            text = text.replace(printed, own)
        with running(tmp_path, text, port):
            owners = {each: get(port, each).body for each in ("/api/me/", "/admin/", "/", "/apix")}
    assert owners == {
        **{"/api/me/": b"Django", "/admin/": b"Django"},
        **{"/": b"frontend", "/apix": b"frontend"},
    }
