"""SAMESITE_PROXY: what each key takes, and what is said of what it does not take."""

from __future__ import annotations

import resource
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import Error
from django.core.exceptions import ImproperlyConfigured, MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse
from django.test import override_settings

from samesite_proxy import conf
from samesite_proxy.conf.frontends import LONGEST_SOCKET_PATH
from samesite_proxy.middleware import SameSiteProxyMiddleware
from tests.harness.tls import make_certificate


def read(**keys: Any) -> conf.Settings:
    with override_settings(SAMESITE_PROXY=keys):
        settings, problems = conf.read()
    assert settings is not None, problems
    return settings


def problems_of(**keys: Any) -> list[Error]:
    with override_settings(SAMESITE_PROXY=keys):
        settings, problems = conf.read()
    assert settings is None
    return problems


def test_nothing_set_gives_the_defaults() -> None:
    settings = read()
    (frontend,) = settings.frontends
    assert (frontend.prefix, frontend.url) == ("/", "http://localhost:3000/")
    assert settings.django_paths is None
    assert settings.host_header == "auto"
    assert (settings.connect_timeout, settings.response_timeout, settings.idle_timeout) == (
        5,
        60,
        300,
    )
    assert not settings.trusts("127.0.0.1")
    assert not settings.trusts("")


@pytest.mark.parametrize(
    ("address", "url", "port", "unix_socket"),
    [
        ("http://localhost:5173", "http://localhost:5173/", 5173, None),
        ("https://frontend.example/", "https://frontend.example/", 443, None),
        ("http://[::1]:3000", "http://[::1]:3000/", 3000, None),
        ("HTTP://LOCALHOST", "http://localhost/", 80, None),
        ("unix:/run/frontend.sock", "http://localhost/", 80, "/run/frontend.sock"),
    ],
)
def test_frontend_address_is_taken_apart(
    address: str, url: str, port: int, unix_socket: str | None
) -> None:
    (frontend,) = read(FRONTEND=address).frontends
    assert (frontend.url, frontend.port, frontend.unix_socket) == (url, port, unix_socket)
    assert frontend.address == address


def test_several_frontends_each_have_a_prefix_without_its_slash() -> None:
    frontends = read(FRONTEND={"/": "http://a:1", "/storybook/": "http://b:2"}).frontends
    assert [(f.prefix, f.url) for f in frontends] == [
        ("/", "http://a:1/"),
        ("/storybook", "http://b:2/"),
    ]


@pytest.mark.parametrize(
    ("key", "value", "check_id"),
    [
        ("FRONTEND", 3000, "E003"),
        ("FRONTEND", "localhost:3000", "E003"),
        ("FRONTEND", "ftp://localhost", "E003"),
        ("FRONTEND", "http://", "E003"),
        ("FRONTEND", "http://localhost:port", "E003"),
        ("FRONTEND", "http://localhost:99999", "E003"),
        ("FRONTEND", "http://localhost/path", "E003"),
        ("FRONTEND", "http://user@localhost", "E003"),
        ("FRONTEND", "http://localhost?x", "E003"),
        ("FRONTEND", "http://local host", "E003"),
        ("FRONTEND", "http://localhost\r\n:1", "E003"),
        ("FRONTEND", "http://localhost:0", "E003"),
        ("FRONTEND", "http://:password@localhost", "E003"),
        ("FRONTEND", "http://@localhost", "E003"),
        ("FRONTEND", "http://a%00b", "E003"),
        ("FRONTEND", "http://a..b", "E003"),
        ("FRONTEND", f"http://{'a' * 64}.example", "E003"),
        ("FRONTEND", f"http://{'a.' * 128}example", "E003"),
        ("FRONTEND", "frontend/dist", "E003"),
        ("FRONTEND", Path("frontend/dist"), "E003"),
        ("FRONTEND", "/srv/a\0b", "E003"),
        ("FRONTEND", "/srv/\ud800", "E003"),
        ("FRONTEND", "unix:relative.sock", "E003"),
        ("FRONTEND", "unix:/run/a\0b", "E003"),
        ("FRONTEND", "unix:/run/a\r\nX-B: c", "E003"),
        ("FRONTEND", "unix:/run/a\x9b2J", "E003"),
        ("FRONTEND", "/srv/a\nb", "E003"),
        ("FRONTEND", Path("/srv/a\x1b[2J"), "E003"),
        ("FRONTEND", "unix:/run/", "E003"),
        ("FRONTEND", "unix:/run/\ud800", "E003"),
        ("FRONTEND", f"unix:/{'a' * 200}", "E003"),
        ("FRONTEND", f"unix:/{'ä' * 60}", "E003"),
        ("FRONTEND", {"/": "http://a", "/\ud800": "http://b"}, "E003"),
        ("FRONTEND", {}, "E003"),
        ("FRONTEND", {"/x": "http://a"}, "E003"),
        ("FRONTEND", {"/": "http://a", "x": "http://b"}, "E003"),
        ("FRONTEND", {"/": "http://a", "/x": "http://b", "/x/": "http://c"}, "E003"),
        ("DJANGO_PATHS", "/api", "E004"),
        ("DJANGO_PATHS", ["api"], "E004"),
        ("DJANGO_PATHS", [1], "E004"),
        ("DJANGO_PATHS", ["/a?b"], "E004"),
        ("DJANGO_PATHS", ["/\ud800"], "E004"),
        ("HOST_HEADER", "", "E005"),
        ("HOST_HEADER", None, "E005"),
        ("HOST_HEADER", "a b", "E005"),
        ("HOST_HEADER", "a\r\nX: y", "E005"),
        ("HOST_HEADER", "a\0", "E005"),
        ("HOST_HEADER", "a\t", "E005"),
        ("HOST_HEADER", "a\x7f", "E005"),
        ("HOST_HEADER", "a?b", "E005"),
        ("HOST_HEADER", "[::1", "E005"),
        ("HOST_HEADER", "::1", "E005"),
        ("HOST_HEADER", ":80", "E005"),
        ("HOST_HEADER", "a:b", "E005"),
        ("HOST_HEADER", "a" * 255, "E005"),
        ("FRONTEND_NAMES", "a", "E006"),
        ("FRONTEND_NAMES", ["http://a"], "E006"),
        ("FRONTEND_NAMES", ["a\0"], "E006"),
        ("FRONTEND_NAMES", ["*.a"], "E006"),
        ("FRONTEND_NAMES", ["a:"], "E006"),
        ("FRONTEND_NAMES", ["a:b"], "E006"),
        ("FRONTEND_NAMES", ["a:b:c"], "E006"),
        ("CONNECT_TIMEOUT", 0, "E007"),
        ("CONNECT_TIMEOUT", True, "E007"),
        ("RESPONSE_TIMEOUT", "60", "E008"),
        ("IDLE_TIMEOUT", -1, "E009"),
        ("IDLE_TIMEOUT", float("nan"), "E009"),
        ("MAX_CONNECTIONS", 0, "E010"),
        ("MAX_CONNECTIONS", 1.5, "E010"),
        ("MAX_CONNECTIONS", 2**63, "E010"),
        ("CA_FILE", "/no/such/file.pem", "E011"),
        ("CA_FILE", 1, "E011"),
        ("CA_FILE", __file__, "E011"),
        ("CA_FILE", "/dev/null", "E011"),
        ("TRUSTED_PROXIES", ["localhost"], "E012"),
        ("TRUSTED_PROXIES", "127.0.0.1", "E012"),
        ("COMMAND", "", "E014"),
        ("COMMAND", " ", "E014"),
        ("COMMAND", "npm\0", "E014"),
        ("COMMAND", [], "E014"),
        ("COMMAND", [""], "E014"),
        ("COMMAND", ["npm", "\0"], "E014"),
        ("COMMAND", ["npm", None], "E014"),
        ("COMMAND", ["npm", True], "E014"),
        ("COMMAND", "npm \ud800", "E014"),
        ("COMMAND", {"run": "npm", "environment": {"API": None}}, "E014"),
        ("COMMAND", {"run": "npm", "environment": {"API": True}}, "E014"),
        ("COMMAND", {"run": "npm", "environment": {"API": "\ud800"}}, "E014"),
        ("COMMAND", {"run": "npm", "folder": "a\0b"}, "E014"),
        ("COMMAND", {"/": "npm", "//": "npm"}, "E014"),
        ("COMMAND", 1, "E014"),
        ("COMMAND", {}, "E014"),
        ("COMMAND", {"folder": "frontend"}, "E014"),
        ("COMMAND", {"run": "npm", "cwd": "frontend"}, "E014"),
        ("COMMAND", {"run": "npm", "folder": 1}, "E014"),
        ("COMMAND", {"run": "npm", "environment": ["A=B"]}, "E014"),
        ("COMMAND", {"run": "npm", "environment": {"A=B": ""}}, "E014"),
        ("COMMAND", {"run": {"/": "npm"}}, "E014"),
        ("COMMAND", {"storybook": "npm"}, "E014"),
        ("COMMAND", {"/": "npm", "/storybook": ""}, "E014"),
        ("COMMAND", {"/storybook": "npm"}, "E014"),
        ("IN_TESTS", 1, "E013"),
        ("IN_TESTS", "True", "E013"),
    ],
)
def test_wrong_value_is_named_with_its_key(key: str, value: object, check_id: str) -> None:
    (problem,) = problems_of(**{key: value})
    assert problem.id == f"samesite_proxy.{check_id}"
    assert f'SAMESITE_PROXY["{key}"]' in problem.msg
    assert problem.hint


LINE = "npm run dev -- --port {port}"


@pytest.mark.parametrize(
    ("value", "commands"),
    [
        (LINE, [("/", LINE, "base", ())]),
        (("npm", "start"), [("/", ("npm", "start"), "base", ())]),
        ({"run": ["npm"]}, [("/", ("npm",), "base", ())]),
        ({"run": LINE, "folder": "web"}, [("/", LINE, "base/web", ())]),
        ({"run": LINE, "folder": "/web"}, [("/", LINE, "/web", ())]),
        ({"run": LINE, "environment": {"A": 1}}, [("/", LINE, "base", (("A", "1"),))]),
        (
            {"/": LINE, "/b/": {"run": ["b"], "folder": Path("b")}},
            [("/", LINE, "base", ()), ("/b", ("b",), "base/b", ())],
        ),
    ],
)
def test_command_is_taken_apart(
    value: object, commands: list[tuple[object, ...]], tmp_path: Path
) -> None:
    with override_settings(BASE_DIR=tmp_path / "base"):
        frontends = {"/": "http://localhost:1", "/b": "http://localhost:2"}
        found = read(FRONTEND=frontends, COMMAND=value).commands
    expected = [(prefix, run, tmp_path / folder, rest) for prefix, run, folder, rest in commands]  # type: ignore[operator]
    assert [(c.prefix, c.run, c.folder, c.environment) for c in found] == expected


def test_port_takes_its_place_in_every_argument() -> None:
    (line,) = read(COMMAND=LINE).commands
    assert line.arguments(7) == ["/bin/sh", "-c", "npm run dev -- --port 7"]
    (listed,) = read(COMMAND=["npm", "--port={port}"]).commands
    assert listed.wants_port
    assert listed.arguments(7) == ["npm", "--port=7"]


def test_unknown_key_is_named_with_the_known_ones() -> None:
    (problem,) = problems_of(FRONT_END="http://localhost:3000")
    assert problem.id == "samesite_proxy.E002"
    assert "FRONT_END" in problem.msg
    assert problem.hint.startswith("Did you mean 'FRONTEND'? The keys are FRONTEND, ")


@pytest.mark.parametrize(
    ("key", "guess"),
    [("foldr", "folder"), ("Folder", "folder"), ("environ", "environment"), ("zzz", "")],
)
def test_unknown_part_of_a_command_is_guessed_likewise(key: str, guess: str) -> None:
    part: dict[str, object] = {"run": LINE, key: "frontend"}
    for command in (part, {"/": part}):
        (problem,) = problems_of(COMMAND=command)
        assert problem.hint.startswith(f"Did you mean {guess!r}? Give " if guess else "Give a ")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ({"Run": LINE}, ["'Run' is neither a prefix nor run, ", "Did you mean 'run'?"]),
        ({"Folder": "a", "RUN": LINE}, ["'Folder' is neither", "Did you mean 'folder'?"]),
        ({"storybook": LINE}, ["'storybook' is neither a prefix nor run, "]),
        ({3: LINE}, ["3 is neither a prefix nor run, "]),
        ({"folder": "a"}, ['there is no "run" in it']),
        ({"/": {"folder": "a"}}, ['there is no "run" in it']),
        ({"run": None}, ["None is neither a command line nor a list"]),
    ],
)
def test_part_of_a_command_that_is_missing_or_misspelt_is_named(
    command: object, words: list[str]
) -> None:
    (problem,) = problems_of(COMMAND=command)
    assert all(each in f"{problem.msg} {problem.hint}" for each in words)


def test_policy_of_hosts_is_guessed_and_a_host_is_taken() -> None:
    (problem,) = problems_of(HOST_HEADER="Auto")
    assert problem.hint.startswith("Did you mean 'auto'? Use ")
    assert read(HOST_HEADER="front-end").host_header == "front-end"


def test_unknown_key_that_is_near_none_is_not_guessed() -> None:
    for key in ("COLOUR", 3):
        (problem,) = problems_of(**{str(key): 1})
        assert problem.hint.startswith("The keys are ")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<h1>{{ request }}Back soon</h1>", "<h1>Back soon</h1>"),
        (None, ""),
        ("{% extends 'missing.html' %}", ""),
        ("{% no_such_tag %}", ""),
    ],
)
def test_own_page_is_rendered_when_the_settings_are_read_and_never_in_debug(
    text: str | None, shown: str, tmp_path: Path
) -> None:
    if text is not None:
        (tmp_path / "502.html").write_text(text)
    backend = "django.template.backends.django.DjangoTemplates"
    with override_settings(TEMPLATES=[{"BACKEND": backend, "DIRS": [str(tmp_path)]}]):
        for debug, expected in ((False, shown), (True, "")):
            with override_settings(DEBUG=debug):
                settings, _ = conf.read()
                assert settings is not None
                assert settings.own_page == expected


def test_what_is_wrong_with_the_own_page_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    backend = "django.template.backends.django.DjangoTemplates"
    templates = [{"BACKEND": backend, "DIRS": [str(tmp_path)]}]
    for tag in ("said_once", "said_once_too"):
        (tmp_path / "502.html").write_text(f"{{% {tag} %}}")
        with override_settings(TEMPLATES=templates, DEBUG=False):
            assert read().own_page == read().own_page == ""
    said = [record.getMessage() for record in caplog.records]
    assert [text.partition(":")[0] for text in said] == ["502.html is not shown"] * 2


def test_socket_or_file_is_no_folder(tmp_path: Path) -> None:
    page, place = tmp_path / "index.html", tmp_path / "frontend.sock"
    page.write_text("built")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place))
        for given in (page, place, str(place)):
            (problem,) = problems_of(FRONTEND=given)
            assert problem.msg.endswith(f"{str(given)!r} is there, but is no folder.")
            assert '"unix:/run/frontend.sock"' in problem.hint
    assert read(FRONTEND=f"unix:{place}").frontends[0].unix_socket == str(place)
    assert read(FRONTEND=tmp_path).frontends[0].folder == str(tmp_path)


def test_all_problems_are_told_at_once() -> None:
    assert len(problems_of(FRONTEND=1, HOST_HEADER=2, NO_KEY=3)) == 3


def test_settings_that_are_no_dict_are_refused() -> None:
    with override_settings(SAMESITE_PROXY="http://localhost:3000"):
        settings, problems = conf.read()
    assert settings is None
    assert [problem.id for problem in problems] == ["samesite_proxy.E001"]


def test_ca_file_of_certificates_is_taken(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, "frontend.example")
    for path in (certificate.path, Path(certificate.path)):
        assert read(CA_FILE=path).ca_file == certificate.path


def test_ca_file_without_a_certificate_is_refused(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, "frontend.example")
    der = ssl.PEM_cert_to_DER_cert(Path(certificate.path).read_text())
    for content in (b"", Path(certificate.key).read_bytes(), der):
        (tmp_path / "other").write_bytes(content)
        (problem,) = problems_of(CA_FILE=tmp_path / "other")
        assert "PEM" in problem.msg


def test_longest_names_and_socket_paths_are_taken() -> None:
    path = f"/{'a' * (LONGEST_SOCKET_PATH - 1)}"
    assert read(FRONTEND=f"unix:{path}").frontends[0].unix_socket == path
    for name in ("a_b", "a.b.", "a" * 63, "1.2.3.4", "[::1]", "[fe80::1%25eth0]"):
        assert read(FRONTEND=f"http://{name}:1").frontends[0].url == f"http://{name}:1/"


def test_max_connections_leave_descriptors_for_clients() -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert read(MAX_CONNECTIONS=10**9).max_connections == (soft - 64) // 2
    assert read(MAX_CONNECTIONS=3).max_connections == 3


@pytest.mark.parametrize(
    ("peer", "trusted"),
    [
        ("127.0.0.1", True),
        ("10.1.2.3", True),
        ("11.1.2.3", False),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:10.1.2.3", True),
        ("::ffff:11.1.2.3", False),
        ("::ffff:192.0.2.1", True),
        ("", True),
        ("nonsense", False),
    ],
)
def test_trusted_proxies_are_addresses_networks_and_unix(peer: str, trusted: bool) -> None:
    settings = read(TRUSTED_PROXIES=["127.0.0.1", "10.0.0.0/8", "::1", "::ffff:c000:201", "unix"])
    assert settings.trusts(peer) is trusted


def answer(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def test_middleware_raises_with_every_problem() -> None:
    with (
        override_settings(SAMESITE_PROXY={"FRONTEND": 1, "DJANGO_PATHS": 2}),
        pytest.raises(ImproperlyConfigured, match=r"(?s)E003.*E004"),
    ):
        SameSiteProxyMiddleware(answer)


def test_frontend_none_takes_the_middleware_out() -> None:
    with override_settings(SAMESITE_PROXY={"FRONTEND": None}), pytest.raises(MiddlewareNotUsed):
        SameSiteProxyMiddleware(answer)
