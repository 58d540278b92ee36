"""Which files have a hash of what is in them in their names, so that they never change.

By the folder that a bundler puts them into, never by the look of a name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Those of Next, SvelteKit, Nuxt and Astro. What Nuxt has below builds/ tells of its newest build.
FOLDERS = ("_next/static/", "_app/immutable/", "_nuxt/", "_astro/")
_BUT = ("_nuxt/builds/",)
# Vite copies what is below public/assets/ into the same folder; its manifest names what it built.
ASSETS = "assets/"
MANIFEST = ".vite/manifest.json"


def _named_by(chunk: Any) -> Iterator[Any]:
    """The files of one entry: https://vite.dev/guide/backend-integration has its keys."""
    if isinstance(chunk, dict):
        yield chunk.get("file")
        for key in ("css", "assets"):
            yield from chunk.get(key) or ()


def _built_by_vite(root: Path) -> list[Any]:
    """Nothing, where the manifest is none of Vite's."""
    try:
        manifest = json.loads((root / MANIFEST).read_bytes())
        return [name for chunk in manifest.values() for name in _named_by(chunk)]
    except (OSError, ValueError, AttributeError, TypeError):
        return []


def is_hashed(root: Path, name: str) -> bool:
    """Of a file by its name in the folder."""
    if name.startswith(ASSETS):
        return name in _built_by_vite(root)
    return name.startswith(FOLDERS) and not name.startswith(_BUT)
