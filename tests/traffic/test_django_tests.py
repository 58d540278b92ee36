"""Django's own test clients and live servers work with the middleware, and without a frontend."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.harness.django_servers import ROOT
from tests.harness.http_requests import Recorder, Request
from tests.harness.scripted_upstream import scripted

TIME = 120
SETTINGS = {
    "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    "STATICFILES_DIRS": [str(ROOT / "tests/project/static")],
}
FIELDS = "X-Two: a\r\nX-Two: b\r\nSet-Cookie: frontend=1; Path=/"


def echo(asked: Request) -> bytes:
    body = f"{asked.method} {asked.target} ".encode() + asked.body
    head = f"HTTP/1.1 200 OK\r\n{FIELDS}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return head if asked.method == "HEAD" else head + body


def run_suite(frontend: str | None) -> str:
    """What Django's test runner says of the suite."""
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.project.manage", "test", "-v2",
         "tests.traffic.django_suite"],
        cwd=ROOT,
        env={
            **os.environ,
            "FRONTEND_URL": frontend or "",
            "SAMESITE_PROXY": json.dumps({"FRONTEND": frontend}),
            "TEST_SETTINGS": json.dumps(SETTINGS),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIME,
    )  # fmt: skip
    if finished.returncode != 0:
        pytest.fail(finished.stdout)
    return finished.stdout


def test_django_suite_passes_with_a_frontend() -> None:
    with scripted(Recorder(echo)) as upstream:
        said = run_suite(upstream.url)
    assert "Ran 17 tests" in said


def test_django_suite_passes_without_a_frontend() -> None:
    assert "Ran 17 tests" in run_suite(None)
