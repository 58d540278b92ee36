"""A folder as FRONTEND: the same requests get the same answers through every way in."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import time
from pathlib import Path

import pytest

from samesite_proxy.built.files import SETTLED_NS
from tests.asgi import servers as asgi_servers
from tests.harness.groups import grouped
from tests.harness.raw_client import Answer, Broken, RawClient, exchange
from tests.process.processes import await_that
from tests.traffic.stage import Stages
from tests.traffic.test_wsgi_application import wrapped

KINDS = (
    *("fastpath", "runserver", "gthread", "sync", "waitress", wrapped("gthread")),
    *asgi_servers.both("uvicorn"),
    *("daphne plain", "hypercorn plain"),
)
PAGE = "Accept: text/html,application/xhtml+xml,*/*;q=0.8"
INDEX = b"<!doctype html><title>The frontend</title>"
SCRIPT = b"export const answer = 42;\n" * 40
HUGE = 5 * 2**30
LARGE = bytes(range(256)) * 4096 * 3
YEAR = "public, max-age=31536000, immutable"
HASHED = "/assets/index-DkB2fK3Z.js"


def make_build(folder: Path) -> Path:
    """What a bundler leaves behind, and what is nobody's business."""
    dist = folder / "dist"
    files = {
        "index.html": INDEX,
        HASHED[1:]: SCRIPT,
        f"{HASHED[1:]}.gz": gzip.compress(SCRIPT, mtime=0),
        f"{HASHED[1:]}.br": b"as brotli",
        "assets/logo-DkB2fK3Z.svg": b"<svg/>",  # Copied from public/assets/, whatever its name.
        ".vite/manifest.json": json.dumps({"index.html": {"file": HASHED[1:]}}).encode(),
        "_next/static/chunks/main.js": b"//",
        "_nuxt/entry.css": b"a{}",
        "_nuxt/builds/latest.json": b"{}",
        "_astro/a.css": b"a{}",
        "_app/immutable/a.js": b"//",
        "_app/version.json": b"{}",
        "about.html": b"about",
        "docs/index.html": b"docs",
        "empty.txt": b"",
        "large.bin": LARGE,
        "app.12345678.js": b"//",
        ".env": b"SECRET=1",
        ".git/config": b"[core]",
        ".well-known/security.txt": b"Contact: us",
        "a b/ü.txt": b"spelled out",
        "a;b.txt": b"semicolon",
        "a?b.txt": b"question",
        "%41.txt": b"percent",
        "folder.js/index.html": b"a folder with a dot",
    }
    for name, content in files.items():
        (dist / name).parent.mkdir(parents=True, exist_ok=True)
        (dist / name).write_bytes(content)
    (folder / "secret.txt").write_bytes(b"out of the folder")
    (dist / "out.txt").symlink_to(folder / "secret.txt")
    (dist / "in.txt").symlink_to("about.html")
    (dist / "loop.txt").symlink_to("loop.txt")
    (dist / "device.txt").symlink_to("/dev/zero")
    (dist / "etc").symlink_to("/etc")
    os.mkfifo(dist / "pipe.txt")
    with (dist / "huge.bin").open("wb") as huge:
        huge.truncate(HUGE)  # None of which is on the disk.
    return dist


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made, built_by = make_build(tmp_path_factory.mktemp("built")), time.time_ns()
    await_that("what was built is settled", lambda: time.time_ns() > built_by + SETTLED_NS)
    return made


def make_site(folder: Path, *pages: str) -> Path:
    """What a generator of pages leaves, with those of its pages that stand for others."""
    for name in ("about.html", "team/index.html", "notes/1.2.html", "v1.2/index.html", *pages):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that has a page for what is missing, and its compressed sibling."""
    folder = make_site(tmp_path_factory.mktemp("site"), "index.html", "404.html")
    (folder / "404.html.gz").write_bytes(gzip.compress(b"404.html", mtime=0))
    return folder


@pytest.fixture(scope="session")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that has a page for what its own router finds, and none that is the first."""
    return make_site(tmp_path_factory.mktemp("shell"), "200.html", "404.html")


@pytest.fixture(params=grouped("built", KINDS))
def port(
    request: pytest.FixtureRequest, stages: Stages, dist: Path, site: Path, shell: Path
) -> int:
    folders = {"/": str(dist), "/site": str(site), "/shell": str(shell)}
    settings = {"FRONTEND": folders, "DJANGO_PATHS": ["/api"]}
    stage = stages.get(request.param, settings, {"TEST_DEBUG": "0", "TEST_ALLOWED_HOSTS": HOSTS})
    return stage.port


HOSTS = json.dumps(["localhost"])


def ask(port: int, target: str, *lines: str, method: str = "GET", body: bytes = b"") -> Answer:
    length = [f"Content-Length: {len(body)}"] if body or method == "POST" else []
    head = "\r\n".join([f"{method} {target} HTTP/1.1", "Host: localhost", *lines, *length])
    return exchange(port, f"{head}\r\n\r\n".encode("latin-1") + body)


# What is asked, and what is told: the status, some fields, and the body.
CASES: dict[str, tuple[tuple[str, ...], int, dict[str, str | None], bytes | None]] = {
    "the page": (("/",), 200, {"Cache-Control": "no-cache"}, INDEX),
    "the page by its name": (("/index.html",), 200, {"Cache-Control": "no-cache"}, INDEX),
    "its type": (("/",), 200, {"Content-Type": "text/html; charset=utf-8"}, INDEX),
    "no other origin": (("/",), 200, {"Access-Control-Allow-Origin": None}, INDEX),
    "deep link": (("/users/7", PAGE), 200, {"Cache-Control": "no-cache", "Vary": "Accept"}, INDEX),
    "deep link, slash": (("/users/7/", PAGE), 200, {}, INDEX),
    "deep link, a dot before": (("/a/b.c/d?x=1", PAGE), 200, {}, INDEX),
    "no deep link to a script": (("/users/7", "Accept: application/json"), 404, {}, None),
    "no deep link to anything": (("/users/7", "Accept: */*"), 404, {}, None),
    "no deep link, a page refused": (("/users/7", "Accept: text/html;q=0"), 404, {}, None),
    "no deep link, a type alike": (("/users/7", "Accept: text/html+x, x/y"), 404, {}, None),
    "deep link of little weight": (("/users/7", "Accept: Text/HTML ; q=0.1"), 200, {}, INDEX),
    "no deep link to a file": (("/users/7.png", PAGE), 404, {}, None),
    "hashed": ((HASHED,), 200, {"Cache-Control": YEAR, "Content-Encoding": None}, SCRIPT),
    "not built": (("/assets/logo-DkB2fK3Z.svg",), 200, {"Cache-Control": "no-cache"}, b"<svg/>"),
    "looks hashed": (("/app.12345678.js",), 200, {"Cache-Control": "no-cache"}, b"//"),
    "Next's": (("/_next/static/chunks/main.js",), 200, {"Cache-Control": YEAR}, b"//"),
    "Nuxt's": (("/_nuxt/entry.css",), 200, {"Cache-Control": YEAR}, b"a{}"),
    "Nuxt's newest": (("/_nuxt/builds/latest.json",), 200, {"Cache-Control": "no-cache"}, b"{}"),
    "Astro's": (("/_astro/a.css",), 200, {"Cache-Control": YEAR}, b"a{}"),
    "SvelteKit's": (("/_app/immutable/a.js",), 200, {"Cache-Control": YEAR}, b"//"),
    "SvelteKit's version": (("/_app/version.json",), 200, {"Cache-Control": "no-cache"}, b"{}"),
    "gzip": (
        (HASHED, "Accept-Encoding: gzip"),
        200,
        {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"},
        gzip.compress(SCRIPT, mtime=0),
    ),
    "brotli, the smallest": (
        (HASHED, "Accept-Encoding: gzip, deflate, br"),
        200,
        {"Content-Encoding": "br", "Content-Type": "text/javascript; charset=utf-8"},
        b"as brotli",
    ),
    "no brotli": (
        (HASHED, "Accept-Encoding: br;q=0, gzip;q=0.1"),
        200,
        {"Content-Encoding": "gzip"},
        None,
    ),
    "by weight": (
        (HASHED, "Accept-Encoding: br;q=0.5,gzip"), 200, {"Content-Encoding": "gzip"}, None,
    ),
    "anything": ((HASHED, "Accept-Encoding: *"), 200, {"Content-Encoding": "br"}, None),
    "none": ((HASHED, "Accept-Encoding: identity, *;q=0"), 200, {"Content-Encoding": None}, SCRIPT),
    "another name's end": (
        (HASHED, "Accept-Encoding: brx, xgzip"), 200, {"Content-Encoding": None}, SCRIPT,
    ),
    "first bytes": (
        ("/large.bin", "Range: bytes=0-9"),
        206,
        {"Content-Range": f"bytes 0-9/{len(LARGE)}", "Content-Length": "10"},
        LARGE[:10],
    ),
    "one byte": (("/large.bin", "Range: bytes=7-7"), 206, {}, LARGE[7:8]),
    "last bytes": (("/large.bin", "Range: bytes=-1000000"), 206, {}, LARGE[-1000000:]),
    "from there on": (("/large.bin", "Range: bytes=1000-"), 206, {}, LARGE[1000:]),
    "behind the end": (
        ("/large.bin", f"Range: bytes={len(LARGE)}-"),
        416,
        {"Content-Range": f"bytes */{len(LARGE)}"},
        b"",
    ),
    "to far behind the end": (
        ("/large.bin", f"Range: bytes=0-{'9' * 5000}"),
        206,
        {"Content-Range": f"bytes 0-{len(LARGE) - 1}/{len(LARGE)}"},
        LARGE,
    ),
    "far behind the end": (("/large.bin", f"Range: bytes={'9' * 5000}-"), 416, {}, b""),
    "more than all": (("/large.bin", f"Range: bytes=-{'9' * 30}"), 206, {}, LARGE),
    "zeros before": (("/large.bin", f"Range: bytes={'0' * 30}1-002"), 206, {}, LARGE[1:3]),
    "no last bytes": (("/large.bin", "Range: bytes=-0"), 416, {}, b""),
    "last bytes of nothing": (("/empty.txt", "Range: bytes=-5"), 200, {}, b""),
    "another unit": (("/large.bin", "Range: lines=0-1"), 200, {}, LARGE),
    "no unit": (("/large.bin", "Range: 0-1"), 200, {}, LARGE),
    "several ranges": (("/large.bin", "Range: bytes=0-1,5-6"), 200, {}, LARGE),
    "no range": (("/large.bin", "Range: bytes=9-1"), 200, {}, LARGE),
    "of nothing": (("/empty.txt", "Range: bytes=0-"), 416, {}, b""),
    "empty": (("/empty.txt",), 200, {}, b""),
    "If-Range, another": (("/large.bin", "Range: bytes=0-9", 'If-Range: "x"'), 200, {}, LARGE),
    "dot file": (("/.env",), 404, {}, None),
    "dot file, as a page": (("/.git/config", PAGE), 404, {}, None),
    "dot file, encoded": (("/%2eenv",), 404, {}, None),
    "the manifest": (("/.vite/manifest.json",), 404, {}, None),
    "well known": (("/.well-known/security.txt",), 200, {}, b"Contact: us"),
    "out by dots": (("/../secret.txt",), 404, {}, None),
    "out by encoded dots": (("/assets/%2e%2e/%2e%2e/secret.txt", PAGE), 404, {}, None),
    "out by an encoded slash": (("/..%2fsecret.txt",), 404, {}, None),
    "out by a backslash": (("/..%5csecret.txt",), 404, {}, None),
    "out by a link": (("/out.txt",), 404, {}, None),
    "a link inside": (("/in.txt",), 200, {}, b"about"),
    "a NUL": (("/index.html%00.png",), 404, {}, None),
    "spelled out": (("/a%20b/%C3%BC.txt",), 200, {}, b"spelled out"),
    "a page's own file": (("/about",), 200, {"Cache-Control": "no-cache"}, b"about"),
    "a folder": (("/docs/",), 200, {}, b"docs"),
    "a folder without its slash": (("/docs?x=1",), 302, {"Location": "./docs/?x=1"}, b""),
    "a page with a slash too many": (("/about/?x=1", PAGE), 302, {"Location": "../about?x=1"}, b""),
    "a site's page": (("/site/about", PAGE), 200, {"Vary": None}, b"about.html"),
    "a site's folder": (("/site/team/", PAGE), 200, {"Vary": None}, b"team/index.html"),
    "a site's page, a dot": (("/site/notes/1.2",), 200, {"Vary": None}, b"notes/1.2.html"),
    "a site's slash, a dot": (("/site/notes/1.2/",), 302, {"Location": "../1.2"}, b""),
    "a site's folder, a dot": (("/site/v1.2",), 302, {"Location": "./v1.2/"}, b""),
    "a site's slash": (("/site/about/",), 302, {"Location": "../about"}, b""),
    "no page of a site's": (
        ("/site/users/7", PAGE, "If-None-Match: *", "If-Match: x", "Range: bytes=0-1"),
        404,
        {
            **{"Cache-Control": "no-cache", "Content-Type": "text/html; charset=utf-8"},
            **{"Vary": "Accept, Accept-Encoding", "ETag": None, "Accept-Ranges": None},
        },
        b"404.html",
    ),
    "no page, compressed": (
        ("/site/users/7", PAGE, "Accept-Encoding: gzip"), 404, {"Content-Encoding": "gzip"}, None,
    ),
    "no page of a site's, a dot": (("/site/users.html", PAGE), 404, {}, b"404.html"),
    "no script of a site's": (("/site/users.js", "Accept: */*"), 404, {"Vary": None}, None),
    "no dot-file of a site's": (("/site/.env", PAGE), 404, {"Vary": None}, None),
    "a shell in place of the first page": (
        ("/shell/", "Accept: */*"), 200, {"Cache-Control": "no-cache", "Vary": None}, b"200.html",
    ),
    "a shell": (("/shell/users/7", PAGE), 200, {"Vary": "Accept"}, b"200.html"),
    "a shell's page": (("/shell/about", PAGE), 200, {}, b"about.html"),
    "a shell, to a script": (("/shell/users/7", "Accept: */*"), 404, {}, None),
    "a shell, to a file": (("/shell/users.png", PAGE), 404, {}, b"404.html"),
    "below a file": (("/index.html/x",), 404, {}, None),
    "a file's sibling": ((f"{HASHED}.gz",), 404, {}, None),
    "a semicolon": (("/a;b.txt",), 200, {}, b"semicolon"),
    "a question mark": (("/a%3Fb.txt",), 200, {}, b"question"),
    "a query": (("/a?b.txt",), 404, {}, None),
    "decoded once": (("/%2541.txt",), 200, {}, b"percent"),
    "not decoded twice": (("/%252e%252e/secret.txt", PAGE), 404, {}, None),
    "dots too long for UTF-8": (("/%c0%ae%c0%ae/secret.txt", PAGE), 404, {}, None),
    "dots with a parameter": (("/..;/secret.txt", PAGE), 404, {}, None),
    "out by a folder's link": (("/etc/passwd",), 404, {}, None),
    "a pipe": (("/pipe.txt",), 404, {}, None),
    "a device": (("/device.txt",), 404, {}, None),
    "a link to itself": (("/loop.txt",), 404, {}, None),
    "a folder with a dot": (("/folder.js",), 302, {"Location": "./folder.js/"}, b""),
    "a line end": (("/a%0d%0ab.txt",), 404, {}, None),
    "another case": (("/INDEX.html",), 404, {}, None),
    "beyond 4 GB": (("/huge.bin", f"Range: bytes={2**32}-{2**32 + 2}"), 206, {}, b"\0\0\0"),
    "its last byte": (
        ("/huge.bin", "Range: bytes=-1"),
        206,
        {"Content-Range": f"bytes {HUGE - 1}-{HUGE - 1}/{HUGE}"},
        b"\0",
    ),
    "odd date": (("/about", "If-Modified-Since: yesterday"), 200, {}, b"about"),
    "date of the future": (
        ("/about", "If-Modified-Since: Fri, 31 Dec 9999 23:59:59 GMT"), 304, {}, b"",
    ),
    "weak If-Match": (("/about", 'If-Match: W/"x"'), 412, {}, b""),
    "weights of no sense": (
        (HASHED, "Accept-Encoding: gzip;q=0.001, br;q=1.5, *;q=x"),
        200,
        {"Content-Encoding": "gzip"},
        None,
    ),
    "too long a name": ((f"/{'x' * 300}.js",), 404, {}, None),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_request_gets_the_same_answer_through_every_way_in(port: int, name: str) -> None:
    (target, *lines), status, fields, body = CASES[name]
    answer = ask(port, target, *lines)
    assert answer.status == status
    assert {key: answer.get(key) for key in fields} == fields
    if body is not None:
        assert answer.body == body
    if status != 404 and any("Range" in line for line in lines):  # Of GET alone (RFC 9110, 14.2).
        status, fields = 200, {}
    head = ask(port, target, *lines, method="HEAD")
    assert (head.status, head.body) == (status, b"")
    assert {key: head.get(key) for key in fields} == fields


def test_what_the_client_has_is_not_sent_again(port: int) -> None:
    plain, packed = ask(port, HASHED), ask(port, HASHED, "Accept-Encoding: gzip")
    tags = [answer.get("ETag") for answer in (plain, packed)]
    assert len(set(tags)) == 2
    (date,) = plain.all("Last-Modified")
    for lines in (
        [f"If-None-Match: {tags[0]}"],
        [f'If-None-Match: "x", W/{tags[0]}'],
        ["If-None-Match: *"],
        [f"If-Modified-Since: {date}"],
    ):
        answer = ask(port, HASHED, *lines)
        assert (answer.status, answer.body) == (304, b"")
        assert (answer.get("ETag"), answer.get("Cache-Control")) == (tags[0], YEAR)
    assert ask(port, HASHED, f"If-None-Match: {tags[1]}").status == 200
    assert (
        ask(port, HASHED, f"If-None-Match: {tags[1]}", f"If-Modified-Since: {date}").status == 200
    )
    assert ask(port, HASHED, 'If-Match: "x"').status == 412
    assert ask(port, HASHED, f"If-Match: {tags[0]}").status == 200
    for known in (tags[0], date):
        assert ask(port, HASHED, "Range: bytes=0-1", f"If-Range: {known}").body == SCRIPT[:2]
    weak = ask(port, HASHED, "Range: bytes=0-1", f"If-Range: W/{tags[0]}")
    assert (weak.status, weak.body) == (200, SCRIPT)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_file_takes_no_other_method(port: int, method: str) -> None:
    answer = ask(port, "/", method=method, body=b"" if method == "OPTIONS" else b"x" * 9)
    assert (answer.status, answer.get("Allow")) == (405, "GET, HEAD")
    assert ask(port, "/nothing", PAGE, method=method).status == 404


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
@pytest.mark.parametrize("path", ["/about", "/nothing", "/docs"])
def test_body_that_asks_for_a_file_is_no_request(port: int, method: str, path: str) -> None:
    hidden = b"GET /empty.txt HTTP/1.1\r\nHost: localhost\r\n\r\n"
    head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    with RawClient(port) as client:
        client.send(b"%b%x\r\n%b\r\n0\r\n\r\n" % (head.encode(), len(hidden), hidden))
        client.read_answer(method)
        rest = b""
        with contextlib.suppress(OSError, Broken):
            client.send(b"GET /a%3Fb.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            rest = client.read_to_end()
    assert rest.count(b"HTTP/1.1 ") <= 1
    assert b"Error response" not in rest  # As http.server says of what is no request.


def test_host_that_is_not_allowed_gets_no_file(port: int) -> None:
    answer = exchange(port, b"GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n")
    assert answer.status == 400
    assert INDEX not in answer.body


def test_connection_is_kept_after_a_file(port: int) -> None:
    with RawClient(port) as client:
        for target in ("/large.bin", "/", "/nothing.png"):
            client.send(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            answer = client.read_answer()
            if answer.get("Connection") == "close":
                return
