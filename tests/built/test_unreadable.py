"""What a build has, but this process's user may not read: it is not said to be missing."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings

from samesite_proxy.checks import check_project
from samesite_proxy.proxy.errors import Refused
from samesite_proxy.proxy.place import NAME
from samesite_proxy.sync.built import BuiltFrontend
from tests.built.test_serving import asked, folder

NOBODY = 65534


@pytest.fixture
def dist() -> Iterator[Path]:
    """A build in a place that everybody reaches."""
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        dist = Path(place, "dist")
        for name in ("index.html", "404.html", "assets/a.js", "assets/index.html"):
            (dist / name).parent.mkdir(parents=True, exist_ok=True)
            (dist / name).write_text(name)
        Path(place, "other").mkdir()
        (dist / "out").symlink_to("../other")
        yield dist
        for opened in (dist, dist / "assets"):
            opened.chmod(0o755)


@contextlib.contextmanager
def closed(path: Path) -> Iterator[None]:
    """To everybody but root, who is somebody else for so long."""
    path.chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)


def refusal(built: BuiltFrontend, path: str) -> tuple[int, str]:
    with pytest.raises(Refused) as caught:
        built.answer(asked(path, HTTP_ACCEPT="text/html"), None, 0)
    return caught.value.failure.status, caught.value.failure.logged(None)


@pytest.mark.parametrize("path", ["/assets/a.js", "/assets/", "/assets", "/assets/no.js"])
def test_folder_that_is_closed_is_not_said_to_lack_a_file(dist: Path, path: str) -> None:
    built = BuiltFrontend(folder(dist))
    with closed(dist / "assets"):
        status, said = refusal(built, path)
    assert status == 503
    assert f"Permission denied: {dist}/assets" in said


@pytest.mark.parametrize("path", ["/", "/index.html", "/users/7"])
def test_build_that_is_closed_is_not_said_to_be_none(dist: Path, path: str) -> None:
    built = BuiltFrontend(folder(dist))
    with closed(dist):
        status, said = refusal(built, path)
    assert status == 503
    assert "Permission denied" in said
    assert "npm run build" not in said


def test_what_is_out_of_the_folder_is_none_of_it_closed_or_not(dist: Path) -> None:
    built = BuiltFrontend(folder(dist))
    with closed(dist / "../other"):
        response = built.answer(asked("/out/a.js", HTTP_ACCEPT="text/html"), None, 0)
    assert response.status_code == 404


def test_check_of_a_build_that_is_closed_says_so(dist: Path) -> None:
    with override_settings(SAMESITE_PROXY={"FRONTEND": str(dist)}, MIDDLEWARE=[NAME]):
        assert check_project() == []
        with closed(dist):
            (message,) = check_project()
    assert message.id == "samesite_proxy.W009"
    assert "cannot be read (Permission denied)" in message.msg
    assert "chmod" in str(message.hint)
