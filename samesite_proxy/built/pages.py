"""The pages of a build that stand for others, by the names that hosts of static files know."""

from __future__ import annotations

from pathlib import Path

INDEX = "index.html"
# For what the page's own router finds, where index.html is a page like others: as SvelteKit and
# Nuxt, React Router, TanStack Start, and Angular name it.
FALLBACKS = ("200.html", "__spa-fallback.html", "_shell.html", "index.csr.html")
# Where a build has it and no fallback, it knows all of its pages.
MISSING = "404.html"


def is_built(folder: str) -> bool:
    """Whether it has a page to begin with."""
    return any(Path(folder, name).is_file() for name in (INDEX, *FALLBACKS))
