"""What doctor names of the time of two origins: found where it is, and not where it is gone, in a
comment, or something else that looks like it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from samesite_proxy import conf
from samesite_proxy.commands import frontend_files, leftovers
from samesite_proxy.commands.findings import WRONG
from samesite_proxy.commands.why import fast_path_reason
from samesite_proxy.machine import sockets
from samesite_proxy.proxy.place import NAME
from tests.recipes.diffs import Diff, diffs_of, side

PAGE = "docs/migrating.md"
FRONTEND = {"FRONTEND": "http://localhost:5173"}


def told_of(folder: Path, *frontends: Path) -> dict[str, str]:
    """Each finding's id, with all of its words."""
    told = frontend_files.leftovers(folder, frontends)
    return {each.id: f"{each.state} {each.says} {each.fix}" for each in told}


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


FILES = {
    "frontend/vite.config.js": "dev-server-proxy",
    "frontend/package.json": "package-proxy",
    "frontend/next.config.mjs": "dev-server-proxy",
    "frontend/nuxt.config.ts": "dev-server-proxy",
}


@pytest.mark.parametrize(
    "diff",
    [
        diff
        for section in ("From Vite's proxy", "From another dev server's")
        for diff in diffs_of(PAGE, section)
        if diff.path in FILES
    ],
    ids=lambda diff: diff.path,
)
def test_what_the_page_takes_out_of_a_file_is_told_of_until_then(
    diff: Diff, tmp_path: Path
) -> None:
    path = write(tmp_path, diff.path, diff.before)
    told = told_of(tmp_path)
    assert set(told) == {FILES[diff.path]}
    assert told[FILES[diff.path]].startswith(WRONG)
    assert str(path) in told[FILES[diff.path]]
    diff.apply(tmp_path)
    assert told_of(tmp_path) == {}


DJANGO = "http://localhost:8000"
SOURCES = [
    (
        "vite.config.ts",
        f"const proxy = {{'/api': '{DJANGO}'}}\nexport default {{ server: {{ proxy }} }}",
    ),
    ("vite.config.ts", f'export default {{ "server": {{ "proxy": {{ "/api": "{DJANGO}" }} }} }}'),
    (
        "webpack.dev.cjs",
        f"module.exports = {{ devServer: {{ proxy: [{{ target: '{DJANGO}' }}] }} }}",
    ),
    (
        "nuxt.config.ts",
        f"export default {{ routeRules: {{ '/a/**': {{ proxy: '{DJANGO}/**' }} }} }}",
    ),
    ("proxy.conf.json", f'{{ "/api": {{ "target": "{DJANGO}", "secure": false }} }}'),
    ("src/proxy.conf.mjs", f"export default {{ '/api': {{ target: '{DJANGO}' }} }}"),
    ("src/setupProxy.js", f"app.use('/api', createProxyMiddleware({{ target: '{DJANGO}' }}))"),
    ("vite.config.js", "export default { server: { proxy: { '/api': 'http://backend:8000' } } }"),
]


@pytest.mark.parametrize(("name", "text"), SOURCES)
def test_way_to_django_in_a_dev_server_s_configuration_is_told_of(
    name: str, text: str, tmp_path: Path
) -> None:
    path = write(tmp_path, f"web/{name}", text)
    (said,) = told_of(tmp_path).items()
    assert said[0] == "dev-server-proxy"
    assert said[1].startswith(WRONG)
    path.write_text(f"/* {text} */\n{''.join(f'// {line}' for line in text.splitlines(True))}")
    assert told_of(tmp_path) == {}
    write(tmp_path, f"web/node_modules/{name}", text)
    assert told_of(tmp_path) == {}


ADDRESS, CREDENTIALS = {"page-address"}, {"page-credentials"}
PAGES = [
    ("src/api.js", f'const API = "{DJANGO}";', ADDRESS),
    ("src/deep/in/the/tree/api.ts", f"fetch(`{DJANGO}/api/me/`)", ADDRESS),
    ("src/App.vue", "<script>axios.defaults.baseURL = 'http://127.0.0.1:8000'</script>", ADDRESS),
    (".env.development", f"# Django\nVITE_API_URL={DJANGO}\n", ADDRESS),
    (".env", f'NEXT_PUBLIC_API="{DJANGO}/api"\n', ADDRESS),
    ("index.html", 'fetch("/api/me/", { credentials: "include" })', CREDENTIALS),
    ("src/api.ts", "axios.create({ withCredentials: true })", CREDENTIALS),
    ("src/api.mjs", "axios.defaults.withCredentials = true", CREDENTIALS),
    ("src/api.jsx", f"f('{DJANGO}/', {{credentials: 'include'}})", ADDRESS | CREDENTIALS),
    ("src/it.jsx", f'<p>Don\'t</p>\n// "{DJANGO}"\n', set()),
    ("src/api.js", f'// fetch("{DJANGO}")\n/* credentials: "include" */', set()),
    ("src/App.vue", f'<!-- <a href="{DJANGO}/"> -->', set()),
    (".env", f"# VITE_API_URL={DJANGO}\nDJANGO_ORIGIN={DJANGO}\n", set()),
    ("src/api.js", 'fetch("/api/me/", { credentials: "same-origin" })', set()),
    ("src/api.js", 'fetch("http://localhost:3001/x"); fetch("https://example.com:8000/")', set()),
    ("dist/index.js", f'fetch("{DJANGO}")', set()),
    ("README.md", f'`fetch("{DJANGO}")`', set()),
]


@pytest.mark.parametrize(("name", "text", "ids"), PAGES)
def test_page_of_two_origins_is_told_of(
    name: str, text: str, ids: set[str], tmp_path: Path
) -> None:
    write(tmp_path, "web/package.json", "{}")
    path = write(tmp_path, f"web/{name}", text)
    told = told_of(tmp_path)
    assert set(told) == ids
    assert all(str(path) in words for words in told.values())


def test_pages_are_those_of_frontends_alone(tmp_path: Path) -> None:
    write(tmp_path, "web/page.html", f'<a href="{DJANGO}/">')
    assert told_of(tmp_path) == {}
    assert set(told_of(tmp_path, tmp_path / "web")) == ADDRESS


def test_folder_around_the_project_is_not_looked_through(tmp_path: Path) -> None:
    write(tmp_path, "other/package.json", '{"proxy": "http://localhost:8000"}')
    assert told_of(tmp_path / "project", tmp_path) == {}
    assert set(told_of(tmp_path / "project", tmp_path / "other")) == {"package-proxy"}


def test_many_files_are_one_line(tmp_path: Path) -> None:
    write(tmp_path, "package.json", "{}")
    for number in range(5):
        write(tmp_path, f"src/{number}.js", f'fetch("{DJANGO}")')
    assert "2.js and 2 more: has" in told_of(tmp_path)["page-address"]


GLUE = "upstream django { server host.docker.internal:8000; }\n"


def test_nginx_of_a_container_is_told_of(tmp_path: Path) -> None:
    path = write(tmp_path, "nginx.conf", GLUE)
    assert set(told_of(tmp_path)) == {"nginx-container"}
    for other in (f"# {GLUE}", f"{frontend_files.OUR_NGINX}`.\n{GLUE}", "server 127.0.0.1:8000;"):
        path.write_text(other)
        assert told_of(tmp_path) == {}


CORS = "corsheaders.middleware.CorsMiddleware"


@pytest.mark.parametrize(
    ("given", "ids"),
    [
        ({}, set()),
        ({"MIDDLEWARE": [CORS]}, {"cors"}),
        ({"CORS_ALLOW_HEADERS": ["x-shop"]}, {"cors"}),
        ({"CORS_ALLOW_ALL_ORIGINS": False}, set()),
        ({"CSRF_TRUSTED_ORIGINS": ["http://localhost:5173"]}, {"csrf-origin"}),
        ({"CSRF_TRUSTED_ORIGINS": ["http://127.0.0.1:5173"]}, {"csrf-origin"}),
        ({"CSRF_TRUSTED_ORIGINS": ["http://localhost:3000"]}, {"csrf-origin"}),
        ({"CSRF_TRUSTED_ORIGINS": ["https://localhost:8443", "http://x.test:3000"]}, set()),
        ({"SESSION_COOKIE_SAMESITE": "none"}, {"cookie-samesite"}),
        ({"SESSION_COOKIE_SECURE": True, "DEBUG": True}, {"cookie-secure"}),
        ({"CSRF_COOKIE_SECURE": True, "DEBUG": True}, {"cookie-secure"}),
        ({"SESSION_COOKIE_SECURE": True, "DEBUG": False}, set()),
        (
            {
                "SESSION_COOKIE_SECURE": True,
                "DEBUG": True,
                "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
            },
            set(),
        ),
    ],
)
def test_setting_of_two_origins_is_told_of(
    given: dict[str, Any], ids: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "DEV_PORTS", (3000,))
    with override_settings(SAMESITE_PROXY=FRONTEND, **{"MIDDLEWARE": [], **given}):
        settings, _ = conf.read()
        assert settings is not None
        assert {each.id for each in leftovers.in_settings(settings.frontends)} == ids


def test_settings_for_an_nginx_in_a_container_are_told_of_until_the_page_takes_them_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sockets, "DEV_PORTS", (8080,))
    (diff,) = diffs_of(PAGE, "From an nginx in a container")
    for sign, ids, is_passed in (("-", {"csrf-origin"}, False), ("+", set(), True)):
        given: dict[str, Any] = {"SAMESITE_PROXY": FRONTEND}
        exec(side(diff.hunks[-1], sign), {}, given)
        assert ("USE_X_FORWARDED_HOST" not in given) is is_passed
        with override_settings(MIDDLEWARE=[NAME], INSTALLED_APPS=["samesite_proxy"], **given):
            settings, _ = conf.read()
            assert settings is not None
            assert {each.id for each in leftovers.in_settings(settings.frontends)} == ids
            assert bool(fast_path_reason(settings)) is not is_passed
