"""Which files have a hash of what is in them in their names, so that they never change.

By the folder that a bundler puts them into, never by the look of a name.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

# Those of Next, SvelteKit, Nuxt and Astro. What Nuxt has below builds/ tells of its newest build.
FOLDERS = ("_next/static/", "_app/immutable/", "_nuxt/", "_astro/")
_BUT = ("_nuxt/builds/",)
# Vite copies what is below public/assets/ into the same folder; its manifest names what it built.
ASSETS = "assets/"
MANIFEST = ".vite/manifest.json"


def _built_by_vite(root: Path) -> set[str]:
    manifest: Any = None
    with contextlib.suppress(OSError, ValueError):
        manifest = json.loads((root / MANIFEST).read_bytes())
    chunks = manifest.values() if isinstance(manifest, dict) else ()
    names: set[str] = set()
    for chunk in chunks:
        if isinstance(chunk, dict):
            names |= {chunk.get("file", ""), *chunk.get("css", ()), *chunk.get("assets", ())}
    return names


def is_hashed(root: Path, name: str) -> bool:
    """Of a file by its name in the folder."""
    if name.startswith(ASSETS):
        return name in _built_by_vite(root)
    return name.startswith(FOLDERS) and not name.startswith(_BUT)
