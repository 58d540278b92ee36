"""Projects and frontends that are broken or odd: a sentence, valid JSON, and no secret."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings
from django.urls import path

from samesite_proxy.management.commands.samesite_proxy import Command
from tests.commands.asked import ask, ask_json, nobody, project
from tests.harness.http_requests import Recorder
from tests.harness.nginx import nginx_of
from tests.harness.scripted_upstream import scripted
from tests.unit.path_cases import Site, view

ANSWER = b"HTTP/1.1 200 \x1b[2JOK\r\nContent-Type: a/b\x1b]0;owned\x07\r\nContent-Length: 0\r\n\r\n"


def unprintable(text: str) -> set[str]:
    return {each for each in text if not each.isprintable()} - {"\n"}


@pytest.mark.parametrize("target", ["/%1b[31mred", "/%0d%0aA:b", "/%c2%9b2J", "/%e2%80%ae"])
def test_terminal_obeys_no_stranger_s_words(target: str) -> None:
    site = Site("odd", {}, [path("x\x1b[31m/", view)], {})
    with scripted(Recorder(ANSWER)) as frontend, project(site, {"/": frontend.url}):
        assert not unprintable(ask("why", target))
        assert not unprintable(ask("routes"))
        assert "\x1b" not in ask("nginx").replace("x\x1b[31m", "")
        assert ask_json("why", "/x%1b[31m/")["django"]["route"] == "x\x1b[31m/"


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in ("broken_urls_of_a_test", "inner_urls_of_a_test"):
        sys.modules.pop(name, None)


BROKEN = {
    "an import": ("\nimport no_such_module", "No module named 'no_such_module'", 2),
    "its grammar": ("\n\ndef (", "SyntaxError", 3),
    "its own words": ("raise RuntimeError('not\\x1b[31m today')", "RuntimeError: not", 1),
    "no patterns": ("", "does not appear to have any patterns", None),
    "a module that it includes": (
        "from django.urls import include, path\nurlpatterns = [path('a/', include('nowhere'))]",
        "No module named 'nowhere'",
        2,
    ),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_urlconf_that_is_broken_is_said_in_a_sentence(modules: Path, broken: str) -> None:
    text, words, line = BROKEN[broken]
    (modules / "broken_urls_of_a_test.py").write_text(text)
    place = f"broken_urls_of_a_test.py, line {line}" if line else "broken_urls_of_a_test"
    with override_settings(ROOT_URLCONF="broken_urls_of_a_test"):
        for question in (["routes"], ["why", "/x"]):
            said = told_by_json(*question)["error"]
            assert words in said
            assert place in said
            assert not unprintable(said) | {"\n"} & set(said)
        with pytest.raises(CommandError, match="cannot be loaded"):
            ask("nginx")
        told = told_by_json("doctor")
    (finding,) = told["findings"]
    assert (finding["id"], finding["state"], told["is_well"]) == ("urlconf", "wrong", False)
    assert words in finding["says"]


def told_by_json(*question: str) -> Any:
    """What is said though the command fails."""
    said = io.StringIO()
    with pytest.raises(CommandError) as caught:
        call_command(Command(), *question, "--json", stdout=said, no_color=True)
    assert caught.value.returncode == 1
    return json.loads(said.getvalue())


@pytest.mark.parametrize(
    ("question", "proxy", "words"),
    [
        (["why", "ftp://x/"], {}, "neither a path nor an address"),
        (["why", ""], {}, "There is no path"),
        (["why", "/x"], {"FRONTEND": "localhost:3000"}, "not an http or https URL"),
        (["routes"], {"FRONTEND": None}, "Django answers everything"),
        (["routes"], {"FRONTNED": "x"}, "Did you mean"),
    ],
)
def test_json_is_valid_where_there_is_no_answer(
    question: list[str], proxy: dict[str, Any], words: str
) -> None:
    with override_settings(SAMESITE_PROXY=proxy):
        assert words in told_by_json(*question)["error"]


SECRET = "hunter2"


@pytest.mark.parametrize(
    "proxy",
    [
        {"FRONTEND": f"http://me:{SECRET}@localhost:3000"},
        {"FRONTEND": f"http://me:{SECRET}/@localhost"},
        {"FRONTEND": f"htp://me:{SECRET}@localhost:99999"},
        {"FRONTEND": {"/": f"http://{SECRET}@localhost"}},
        {"COMMAND": {"run": "x", "environment": f"TOKEN={SECRET}"}},
        {"COMMAND": {"run": "x", "environment": {"": SECRET}}},
        {"COMMAND": {"run": "x", "environment": [("TOKEN", SECRET)]}},
    ],
)
def test_secret_in_a_setting_that_is_refused_is_not_said(proxy: dict[str, Any]) -> None:
    with override_settings(SAMESITE_PROXY=proxy):
        told = json.dumps([told_by_json("doctor"), told_by_json("routes")])
    assert SECRET not in told
    assert "samesite_proxy.E0" in told


def test_doctor_reads_files_alone_and_tells_no_password(tmp_path: Path) -> None:
    for name in ("vite.config.js", "package.json", ".env", "nginx.conf"):
        (tmp_path / name).mkdir()
        os.mkfifo(tmp_path / name / name)
    (tmp_path / "a").mkdir()
    (tmp_path / "a/vite.config.ts").symlink_to("/dev/zero")
    (tmp_path / "a/next.config.js").symlink_to("next.config.js")
    (tmp_path / "a/package.json").write_text('{"proxy": ' + "[" * 10**5)
    os.mkdir(os.fsencode(tmp_path) + b"/\xff\x1b[2J")
    address = f"http://me:{SECRET}@localhost:8000/"
    odd = os.fsencode(tmp_path) + b"/\xff\x1b[2J/package.json"
    Path(os.fsdecode(odd)).write_text(json.dumps({"proxy": {"/api": {"target": address}}}))
    (tmp_path / "index.html").write_text("<!doctype html>")
    said: list[str] = []

    def look() -> None:
        with override_settings(BASE_DIR=tmp_path, SAMESITE_PROXY={"FRONTEND": tmp_path}):
            for options in ([], ["--json"]):
                out = io.StringIO()
                with contextlib.suppress(CommandError):
                    call_command(Command(), "doctor", *options, stdout=out, no_color=True)
                said.append(out.getvalue())

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    looking.join(20)
    people, programs = said
    assert not unprintable(people)
    assert "package-proxy" in {each["id"] for each in json.loads(programs)["findings"]}
    assert SECRET not in people + programs


ODD = {
    "STATIC_URL": 3,
    "MEDIA_URL": b"/media/",
    "MIDDLEWARE": None,
    "ALLOWED_HOSTS": ["a", 3],
    "WSGI_APPLICATION": 3,
    "ROOT_URLCONF": ["urls"],
    "BASE_DIR": 3,
}


@pytest.mark.parametrize(("name", "value"), ODD.items(), ids=ODD)
@pytest.mark.parametrize("question", ["routes", "why /x", "doctor", "nginx"])
def test_setting_of_djangos_that_is_none_is_told_in_a_sentence(
    name: str, value: object, question: str
) -> None:
    settings = {"SAMESITE_PROXY": {"FRONTEND": nobody()}, name: value}
    with (
        override_settings(**settings),
        pytest.raises(CommandError, match=f"^The setting {name} is not a "),
    ):
        ask(*question.split())


HOSTILE = (
    *('/a"b', "/a'b", "/$x", "/a;b", "/{x}", "/}", "/a b", "/a\nb", "/a\rb", "/a\tb", "/a\\b"),
    *("/a\\", "/\x85b", "/\x1b[31m", "/\u2028", "/한국", "/a*", "/~x", "/%41", '/"', "/${host}"),
    *("/@django", '/a\\"b', "/\x7f", "/} server { listen 1; location /"),
)


def test_nginx_takes_whatever_a_project_s_paths_hold(tmp_path: Path) -> None:
    sockets = ["a b", "a;b", "{x}", "$x", 'x"y', "a#b", "한", "a\\", "a; server b"]
    frontends = {f"/f{n}": f"unix:/tmp/{each}.sock" for n, each in enumerate(sockets)}
    routes = [path(f"{each[1:]}r/", view) for each in HOSTILE]
    listed = Site("listed", {"DJANGO_PATHS": list(HOSTILE)}, [], {})
    routed = Site("routed", {}, [*routes, path(f"x/{'<int:a>/' * 500}", view)], {})
    for site in (listed, routed):
        with project(site, {"/": nobody(), **frontends}):
            command = nginx_of(tmp_path, ask("nginx", "--direct"))
        tested = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
        assert tested.returncode == 0, tested.stderr


@pytest.mark.parametrize(
    ("paths", "frontend", "words"),
    [
        (["/" + "x" * 5000], "http://localhost:3000", "longer than nginx"),
        ([], "http://[fe80::1%25eth0]:3000", "no address that nginx reads"),
        ([], "http://[v1.a:b]", "no address that nginx reads"),
    ],
)
def test_what_nginx_does_not_take_is_refused_in_a_sentence(
    paths: list[str], frontend: str, words: str
) -> None:
    site = Site("refused", {"DJANGO_PATHS": paths}, [], {})
    with project(site, {"/": frontend}), pytest.raises(CommandError, match=words):
        ask("nginx", "--direct")
