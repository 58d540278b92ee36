"""A wheel's tag and its extension's file name say the same, or there is no wheel."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from csrc.build_tools.tags import misfit
from tests.harness.django_servers import ROOT


@pytest.mark.parametrize(
    ("python", "abi", "suffix", "fits"),
    [
        ("cp311", "abi3", "abi3.so", True),
        ("cp311", "abi3", "abi3t.so", False),
        ("cp311", "abi3", "abi3-x86_64-linux-gnu.so", False),
        ("cp311", "abi3", "cpython-311-x86_64-linux-gnu.so", False),
        ("cp311", "abi3", "so", False),
        ("cp313", "cp313t", "cpython-313t-x86_64-linux-gnu.so", True),
        ("cp314", "cp314t", "cpython-314t-darwin.so", True),
        ("cp313", "cp313t", "cpython-313-x86_64-linux-gnu.so", False),
        ("cp313", "cp313", "cpython-313t-x86_64-linux-gnu.so", False),
        ("cp313", "cp313t", "abi3.so", False),
    ],
)
def test_tag_fits_the_file_that_python_will_look_for(
    python: str, abi: str, suffix: str, fits: bool
) -> None:
    assert (misfit((python, abi, "any"), f"samesite_proxy/_engine.{suffix}") is None) == fits


def test_suffix_that_an_older_python_would_not_look_for_is_refused(tmp_path: Path) -> None:
    """Python 3.15 has the platform in the stable ABI's suffix too."""
    code = 'import sysconfig\nsysconfig.get_config_vars()["SOABI_PLATFORM"] = "x86_64-linux-gnu"\n'
    (tmp_path / "sitecustomize.py").write_text(code)
    command = ["setup.py", "-q", "bdist_wheel", "-d", tmp_path]
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    said = "samesite_proxy: a wheel tagged cp311-abi3 cannot hold _engine.abi3-x86_64-linux-gnu.so"
    assert done.stderr.splitlines()[-1] == said
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["sitecustomize.py"]
