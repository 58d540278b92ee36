"""The source distribution: complete, nothing else in it, and what is built from it works."""

from __future__ import annotations

import re
import shutil
import sys
import tarfile
import venv
import zipfile
from email import message_from_string
from importlib.metadata import distribution
from pathlib import Path

import pytest

import samesite_proxy
from tests.harness import raw_client
from tests.harness.django_servers import Program, free_port
from tests.harness.http_requests import Recorder
from tests.harness.scripted_upstream import ScriptedUpstream
from tests.packaging.building import ROOT, build, checkout, run, wheel_of

# What they look at is built once.
pytestmark = pytest.mark.xdist_group("sdist")

DIRT = [
    *(".env", "core", "crash-0123", "notes.txt", "setup.cfg.orig", "frontend/index.html"),
    *("csrc/notes.md", "csrc/wire/span.o", "csrc/wire/span.c.orig", "csrc/core/.clock.c.swp"),
    *("samesite_proxy/_engine.abi3.so", "samesite_proxy/apps.py~", "samesite_proxy/.env"),
    *("samesite_proxy/__pycache__/conf.cpython-311.pyc", "dist/samesite_proxy-0.0.1.tar.gz"),
    "build/lib/samesite_proxy/gone.py",
]

CODE = {
    str(path.relative_to(ROOT))
    for path in [*(ROOT / "csrc").rglob("*.[ch]"), *(ROOT / "samesite_proxy").rglob("*.py")]
}
PACKAGE = {name for name in CODE if name.startswith("samesite_proxy/")} | {
    "samesite_proxy/_engine.pyi",
    "samesite_proxy/py.typed",
}
BUILD = {
    str(path.relative_to(ROOT))
    for path in [*(ROOT / "csrc").rglob("*.py"), *(ROOT / "csrc" / "licenses").iterdir()]
}
SDIST = {
    *(CODE | PACKAGE | BUILD),
    "csrc/python/exports.map",
    *("CHANGELOG.md", "LICENSE", "MANIFEST.in", "README.md", "pyproject.toml", "setup.py"),
    *("PKG-INFO", "setup.cfg"),  # As setuptools writes them, and a folder of its own.
}

HOOK = "import setuptools.build_meta as hooks; hooks.build_sdist('out')"

SETTINGS = """
import samesite_proxy._engine
from django.http import HttpResponse
from django.urls import path

ALLOWED_HOSTS, DEBUG, ROOT_URLCONF, SECRET_KEY = ["*"], True, __name__, "only for a test"
INSTALLED_APPS = ["samesite_proxy"]
MIDDLEWARE = ["samesite_proxy.middleware.SameSiteProxyMiddleware"]
SAMESITE_PROXY = {{"FRONTEND": "{frontend}"}}
urlpatterns = [path("where/", lambda _: HttpResponse(samesite_proxy._engine.__file__))]
"""


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made from a checkout with dirt in it and without git, where an older one listed it all."""
    dirty = checkout(tmp_path_factory.mktemp("dirty") / "a checkout")
    for name in DIRT:
        (dirty / name).parent.mkdir(parents=True, exist_ok=True)
        (dirty / name).write_text("dirt\n")
    everything = [str(path.relative_to(dirty)) for path in dirty.rglob("*.*")]
    (dirty / "samesite_proxy.egg-info").mkdir()
    (dirty / "samesite_proxy.egg-info" / "SOURCES.txt").write_text("\n".join(everything))
    return build(dirty, "-c", HOOK)


@pytest.fixture(scope="module")
def unpacked(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked") / "a path with spaces"
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (tree,) = folder.iterdir()
    return tree


@pytest.fixture(scope="module")
def wheel(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = wheel_of(unpacked, SAMESITE_PROXY_WERROR="1")
    return Path(shutil.copy(built, tmp_path_factory.mktemp("wheel")))


def names_in(wheel: Path) -> set[str]:
    """The files of a wheel but for its metadata."""
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def engine_in(wheel: Path) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read("samesite_proxy/_engine.abi3.so")


def files_in(sdist: Path) -> set[str]:
    """The files of a sdist below its one folder, but for the metadata of setuptools' own."""
    with tarfile.open(sdist) as archive:
        files = {member.name for member in archive.getmembers() if member.isfile()}
    assert {name.partition("/")[0] for name in files} == {sdist.name.removesuffix(".tar.gz")}
    below = {name.partition("/")[2] for name in files}
    return {name for name in below if not name.startswith("samesite_proxy.egg-info/")}


def test_sdist_holds_what_a_build_needs_and_nothing_else(sdist: Path) -> None:
    assert files_in(sdist) == SDIST


def test_metadata_has_one_version_the_licences_and_links_that_lead_somewhere(
    unpacked: Path,
) -> None:
    """As PyPI shows it: a link from there is to the repository."""
    said = message_from_string((unpacked / "PKG-INFO").read_text())
    assert said["Version"] == samesite_proxy.__version__
    names = [f"csrc/licenses/{name}" for name in ("curl", "openssl")]
    assert sorted(said.get_all("License-File", [])) == ["LICENSE", *names]
    repository = dict(line.split(", ") for line in said.get_all("Project-URL", []))["Repository"]
    ours = 0
    for link in re.findall(r"\]\(([^()\s]+)\)", said.get_payload()):
        assert link.startswith("https://"), link
        if link.startswith(f"{repository}/blob/main/"):
            assert (ROOT / link.removeprefix(f"{repository}/blob/main/").partition("#")[0]).exists()
            ours += 1
    assert ours > 10


def test_sdist_of_an_unpacked_sdist_is_the_same(unpacked: Path) -> None:
    shutil.rmtree(unpacked / "out", ignore_errors=True)
    assert files_in(build(unpacked, "-c", HOOK)) == SDIST


def test_wheel_of_the_sdist_holds_the_package_and_the_engine(wheel: Path) -> None:
    assert names_in(wheel) == PACKAGE | {"samesite_proxy/_engine.abi3.so"}
    assert "-cp311-abi3-" in wheel.name


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is the one poller")
def test_second_build_in_a_folder_keeps_nothing_of_the_first(unpacked: Path, wheel: Path) -> None:
    assert b"epoll_wait" in engine_in(wheel)
    (lib,) = (unpacked / "build").glob("lib*")
    (lib / "samesite_proxy" / "gone.py").touch()
    second = wheel_of(unpacked, SAMESITE_PROXY_POLLER="portable")
    assert names_in(second) == names_in(wheel)
    assert b"epoll_wait" not in engine_in(second)


@pytest.mark.parametrize(
    "folder", ["wire", "core", "core/linux", "upstream", "engine", "door", "python"]
)
def test_source_without_a_folders_c_files_is_refused_in_a_sentence(
    sdist: Path, tmp_path: Path, folder: str
) -> None:
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (tree,) = tmp_path.iterdir()
    for path in (tree / "csrc" / folder).glob("*.c"):
        path.unlink()
    wanted = (
        f"samesite_proxy: csrc/{folder} holds no C files; this copy of the source is incomplete"
    )
    for hook in ("build_wheel", "build_editable", "build_sdist"):
        done = run(tree, "-c", f"import setuptools.build_meta as hooks; hooks.{hook}('out')")
        assert done.returncode != 0
        assert done.stderr.splitlines()[-1] == wanted


def environment_with_django(folder: Path) -> Path:
    """A virtual environment with Django in it, and what that needs; its Python."""
    venv.create(folder)
    (packages,) = folder.glob("lib/python*/site-packages")
    for name in ("Django", "asgiref", "sqlparse"):
        found = distribution(name)
        parts = {path.parts[0] for path in found.files or () if path.parts[0] != ".."}
        for part in parts - {"__pycache__"}:
            (packages / part).symlink_to(str(found.locate_file(part)))
    return folder / "bin" / "python"


def test_installed_wheel_forwards(wheel: Path, tmp_path: Path) -> None:
    python = environment_with_django(tmp_path / "environment")
    done = run(tmp_path, "-m", "pip", "--python", python, "install", "--no-index", wheel)
    assert done.returncode == 0, done.stdout + done.stderr
    upstream = ScriptedUpstream(Recorder())
    (tmp_path / "site_settings.py").write_text(SETTINGS.format(frontend=upstream.url))
    port = free_port()
    command = ["-m", "django", "runserver", "--noreload", str(port)]
    environ = {"PYTHONPATH": "", "DJANGO_SETTINGS_MODULE": "site_settings"}
    program = Program("installed", command, environ, python=python, folder=tmp_path)
    try:
        program.await_listener(port)
        # The first to a host comes through the middleware, the next on the fast path.
        assert [raw_client.get(port, "/").body for _ in range(2)] == [b"ok", b"ok"]
        where = Path(raw_client.get(port, "/where/").body.decode())
        assert where.is_relative_to(tmp_path / "environment")
        assert "Traceback" not in program.log()
    finally:
        program.stop()
        upstream.close()
