"""A folder that is written while it is looked at, inside this process."""

from __future__ import annotations

import contextlib
import itertools
import os
import resource
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.utils.http import http_date, parse_http_date

from samesite_proxy.built import files, opened
from samesite_proxy.built.files import ASK_AGAIN, IMMUTABLE
from samesite_proxy.built.opened import OpenFile, Replaced, Signature, signature_of
from samesite_proxy.built.opened import read as read_file
from samesite_proxy.proxy.errors import Refused
from samesite_proxy.sync.built import BuiltFrontend
from samesite_proxy.sync.servers import AnswerBroken
from tests.built.test_folder import LARGE, make_build
from tests.built.test_serving import asked, folder, read


def told(built: BuiltFrontend, path: str, **fields: str) -> Any:
    return built.answer(asked(path, **fields), None, 0)


def test_bytes_written_within_a_clock_s_tick_have_a_tag_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file's size and times are the same then, as a file system's clock has them that goes by
    seconds, and it is written in place."""

    def coarse(found: os.stat_result) -> Signature:
        device, number, size, _, _ = signature_of(found)
        return device, number, size, found.st_mtime_ns // 10**11, found.st_ctime_ns // 10**11

    for module in (files, opened):
        monkeypatch.setattr(module, "signature_of", coarse)
    monkeypatch.setattr(files, "SETTLED_NS", 10**19)  # By such a clock all is new.
    built, page = BuiltFrontend(folder(tmp_path)), tmp_path / "index.html"
    page.write_bytes(b"old")
    tag = told(built, "/").headers["ETag"]
    page.write_bytes(b"new")
    response = told(built, "/", HTTP_IF_NONE_MATCH=tag)
    assert (response.status_code, read(response)) == (200, b"new")


@pytest.mark.parametrize("modified", [4 * 10**9, 10**12, -5, -(10**12)])
def test_date_that_no_answer_may_have_is_not_sent(tmp_path: Path, modified: int) -> None:
    """As a clock that is wrong, or an archive, leaves a file: none of the future (RFC 9110,
    8.8.2.1), and none without a year that a date can say."""
    (tmp_path / "a.js").write_text("//")
    with contextlib.suppress(OSError):  # Of a file system that has no such times.
        os.utime(tmp_path / "a.js", (modified, modified))
    built = BuiltFrontend(folder(tmp_path))
    date = told(built, "/a.js").headers["Last-Modified"]
    assert 0 <= parse_http_date(date) <= time.time()
    assert (
        told(built, "/a.js", HTTP_IF_UNMODIFIED_SINCE=http_date(time.time() + 5)).status_code == 200
    )


@contextlib.contextmanager
def no_descriptor_left() -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.parametrize("path", ["/large.bin", "/", "/users/7"])
def test_file_that_cannot_be_opened_is_not_said_to_be_missing(tmp_path: Path, path: str) -> None:
    built = BuiltFrontend(folder(make_build(tmp_path)))
    with pytest.raises(Refused) as caught, no_descriptor_left():
        told(built, path, HTTP_ACCEPT="text/html")
    assert caught.value.failure.status == 503
    assert "Too many open files" in caught.value.failure.logged(None)
    response = told(built, path, HTTP_ACCEPT="text/html")
    assert response.status_code == 200
    response.close()


def test_pipe_in_the_place_of_a_file_holds_nobody_up(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"once")
    signature = signature_of(os.stat(tmp_path / "file"))
    (tmp_path / "file").unlink()
    os.mkfifo(tmp_path / "file")
    outcomes = []

    def look() -> None:
        try:
            read_file(str(tmp_path / "file"), signature, 0, 4)
        except Replaced:
            outcomes.append("replaced")

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    looking.join(5)
    assert outcomes == ["replaced"]


def test_build_whose_link_is_set_anew_amid_a_look_lacks_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.html").write_text(name)
    now, realpath = tmp_path / "now", os.path.realpath
    now.symlink_to("old")
    built = BuiltFrontend(folder(now))

    def found(path: str) -> str:
        """And then the link leads elsewhere."""
        place = realpath(path)
        if place == str(tmp_path / "old"):
            (tmp_path / "next").symlink_to("new")
            (tmp_path / "next").replace(now)
        return place

    monkeypatch.setattr(os.path, "realpath", found)
    assert read(told(built, "/")) == b"new"


def test_sibling_of_a_build_before_is_not_sent(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_bytes(b"new" * 9)
    (tmp_path / "a.js.gz").write_bytes(b"old")
    (tmp_path / "a.js.br").write_bytes(b"as old as it")
    built, now = BuiltFrontend(folder(tmp_path)), os.stat(tmp_path / "a.js").st_mtime
    os.utime(tmp_path / "a.js.gz", (now - 3600, now - 3600))
    os.utime(tmp_path / "a.js.br", (now - 1, now - 1))  # Written beside it, a moment before.
    accepted = {"HTTP_ACCEPT_ENCODING": "gzip, br;q=0.5"}
    assert told(built, "/a.js", **accepted).headers["Content-Encoding"] == "br"
    os.utime(tmp_path / "a.js.br", (now - 3600, now - 3600))
    response = told(built, "/a.js", **accepted)
    assert "Content-Encoding" not in response.headers
    assert "Vary" not in response.headers
    assert read(response) == b"new" * 9


def test_manifest_that_comes_after_its_files_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "SETTLED_NS", -(10**18))  # All is remembered at once.
    dist = make_build(tmp_path)
    name = "/assets/index-DkB2fK3Z.js"
    (dist / ".vite/manifest.json").rename(tmp_path / "manifest.json")
    built = BuiltFrontend(folder(dist))
    built._files.find(name)
    assert told(built, name).headers["Cache-Control"] == ASK_AGAIN
    (tmp_path / "manifest.json").rename(dist / ".vite/manifest.json")
    assert told(built, name).headers["Cache-Control"] == IMMUTABLE


def test_file_that_may_be_half_written_is_not_kept_for_a_year(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = BuiltFrontend(folder(make_build(tmp_path)))
    name = "/_next/static/chunks/main.js"
    assert told(built, name).headers["Cache-Control"] == ASK_AGAIN
    monkeypatch.setattr(files, "SETTLED_NS", -(10**18))  # Time passes.
    assert told(built, name).headers["Cache-Control"] == IMMUTABLE


def test_no_body_is_of_two_builds(tmp_path: Path) -> None:
    """While a build empties the folder and writes it again."""
    (tmp_path / "index.html").touch()
    built, is_over = BuiltFrontend(folder(tmp_path)), threading.Event()

    def build() -> None:
        for letter in itertools.cycle((b"a", b"b", b"c")):
            for name, size in {"index.html": 9000, "app.js": 9001, "large.bin": 900_000}.items():
                (tmp_path / name).unlink(missing_ok=True)
                (tmp_path / name).write_bytes(letter * size)
            if is_over.is_set():
                return

    building = threading.Thread(target=build)
    building.start()
    bodies = []
    try:
        for path in ("/users/7", "/app.js", "/large.bin") * 150:
            with contextlib.suppress(Refused):
                response = told(built, path, HTTP_ACCEPT="text/html")
                with contextlib.closing(response), contextlib.suppress(AnswerBroken):
                    bodies.append(read(response))
    finally:
        is_over.set()
        building.join()
    assert len(bodies) > 50
    assert all(len(set(body)) < 2 for body in bodies)


def test_open_file_holds_its_end_back_where_it_was_written_again(tmp_path: Path) -> None:
    """In place and of the same size, as the sum of its bytes alone would tell."""
    file = make_build(tmp_path) / "large.bin"
    os.utime(file, (1, 1))
    with OpenFile(str(file), signature_of(os.stat(file)), 5, len(LARGE)) as file_of_it:
        first = file_of_it.read(1000)
        file.write_bytes(LARGE[::-1])
        with pytest.raises(OSError, match="changed"):
            file_of_it.read(len(LARGE))
    assert first == LARGE[5:1005]


def test_open_file_is_whole_though_another_has_its_name(tmp_path: Path) -> None:
    file = make_build(tmp_path) / "large.bin"
    with OpenFile(str(file), signature_of(os.stat(file)), 0, len(LARGE)) as file_of_it:
        file.unlink()
        assert file_of_it.read() == LARGE
        assert file_of_it.read() == b""
