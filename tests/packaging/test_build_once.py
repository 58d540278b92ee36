"""A library that goes into the engine is built again when what it is made of, or by, is another."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.django_servers import ROOT

CRATE = """
import json
from build_tools.openssl import CRATE
print(json.dumps([CRATE.name, CRATE.sha256, CRATE.license]))
"""

# As setup.py does; what follows is said to OpenSSL beside its own options.
BUILD = """
import sys
from pathlib import Path
from build_tools import openssl
from build_tools.curl import StaticCurl
source, folder, *more = sys.argv[1:]
openssl.OFF += more
StaticCurl(source, Path(folder), with_openssl=True)
"""

CARGO = """
for manifest; do :; done
cp {crate}/lock "$(dirname "$manifest")/Cargo.lock"
cat {crate}/metadata
"""

CURL = ["cmake", "cmake"]
BOTH = ["perl", "make", "make", *CURL]


def python(program: str, *arguments: str, **environment: str) -> str:
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "csrc"), **environment}
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(
        command, env=environ, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def program(folder: Path, name: str, said: str) -> None:
    path = folder / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{said}\n")
    path.chmod(0o755)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sources, and programs that tell that they ran and build nothing."""
    source, crate = tmp_path / "curl", tmp_path / "crate"
    source.mkdir()
    (source / "CMakeLists.txt").touch()
    name, sha256, license_file = json.loads(python(CRATE))
    licence = crate / license_file
    licence.parent.mkdir(parents=True)
    shutil.copy(ROOT / "csrc" / "licenses" / "openssl", licence)
    (crate / "lock").write_text(f'checksum = "{sha256}"\n')
    package = {"name": name, "manifest_path": str(crate / "Cargo.toml")}
    (crate / "metadata").write_text(json.dumps({"packages": [package]}))
    tells = f'echo "${{0##*/}}" >>{tmp_path}/told'
    program(tmp_path, "cargo", CARGO.format(crate=crate))
    program(tmp_path, "cc", "echo 1.0")
    program(tmp_path, "perl", tells)
    program(tmp_path, "make", tells)
    program(tmp_path, "cmake", f"{tells}; touch libcurl.pc")
    return tmp_path


def built(folder: Path, *options: str, **environment: str) -> list[str]:
    """The programs that it took."""
    told = folder / "told"
    told.write_text("")
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    places = (str(folder / "curl"), str(folder / "built"))
    python(BUILD, *places, *options, CC="cc", PATH=path, **environment)
    return told.read_text().split()


@pytest.mark.parametrize(
    ("options", "environment", "again"),
    [
        ([], {}, []),
        (["rc5"], {}, BOTH),
        ([], {"CFLAGS": "-g"}, BOTH),
        ([], {"MACOSX_DEPLOYMENT_TARGET": "11.0"}, BOTH),
        ([], {"RANLIB": "other"}, BOTH),
        ([], {"LC_ALL": "C"}, []),
    ],
    ids=str,
)
def test_libraries_are_built_again_when_options_or_surroundings_are_others(
    folder: Path, options: list[str], environment: dict[str, str], again: list[str]
) -> None:
    assert built(folder) == BOTH
    assert built(folder, *options, **environment) == again
    assert built(folder, *options, **environment) == []


@pytest.mark.parametrize("said", ["echo 2.0", ": -target other; echo 1.0"])
def test_libraries_are_built_again_when_the_compiler_is_another(folder: Path, said: str) -> None:
    assert built(folder) == BOTH
    program(folder, "cc", said)
    assert built(folder) == BOTH


def test_library_alone_is_built_again_when_it_alone_has_changed(folder: Path) -> None:
    assert built(folder) == BOTH
    shutil.rmtree(next(folder.glob("built/curl/build")))
    assert built(folder) == CURL
