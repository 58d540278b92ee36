"""The README as PyPI shows it, where a relative link would lead nowhere."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

LINK = re.compile(r"\]\((?!https?:)([^()\s]+)\)")


def readme_for_pypi(root: Path) -> str:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    repository = project["urls"]["Repository"]

    def absolute(link: re.Match[str]) -> str:
        at = "" if link[1].startswith("#") else "/blob/main/"
        return f"]({repository}{at}{link[1]})"

    return LINK.sub(absolute, (root / "README.md").read_text())
