"""The frontends that `make frontends` tries: each is a folder in minimal/."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

MINIMAL = Path(__file__).parent / "minimal"


@dataclass(frozen=True)
class App:
    """What is its own; `npm run dev` and `npm run build` are everybody's."""

    title: str
    package: str  # whose version is the frontend's
    heading: str  # the file that has the page's heading
    dist: str  # where a build is
    deep_link: tuple[int, str]  # what /users/7 is in a build: the status, and the heading
    is_rendered: bool = False  # Django is asked for the user while the page is made.
    is_reloaded: bool = False  # Its client answers an edit of such a file by loading the page anew.
    is_hashed: bool = True  # Its scripts are in a folder that is known to be.
    unnamed: str | None = None  # part of the address of a script that its manifest does not name
    own_error: str | None = None  # what a build's page says at / behind any server
    pages: tuple[str, ...] = ()  # others than the first, which a link leads to


SINGLE = (200, "as committed")
USER = (200, "user 7")
ABOUT = ("/about",)

APPS = {
    "vite": App("Vite", "vite", "src/Page.jsx", "dist", SINGLE),
    "next": App(
        "Next", "next", "components/Heading.jsx", "out", (404, "404"),
        is_rendered=True, pages=ABOUT,
    ),
    "sveltekit": App(
        "SvelteKit", "@sveltejs/kit", "src/lib/Heading.svelte", "build", USER,
        is_rendered=True, pages=ABOUT,
    ),
    "nuxt": App(
        "Nuxt", "nuxt", "app/components/Heading.vue", ".output/public", USER,
        is_rendered=True, pages=ABOUT,
    ),
    "astro": App(
        "Astro", "astro", "src/pages/index.astro", "dist", (404, "no such page"),
        is_reloaded=True, pages=ABOUT,
    ),
    "react-router": App(
        "React Router", "react-router", "app/Heading.jsx", "build/client", USER,
        is_rendered=True, unnamed="/assets/manifest-", pages=ABOUT,
    ),
    "tanstack-start": App(
        "TanStack Start", "@tanstack/react-start", "src/Heading.jsx", "dist/client", USER,
        is_rendered=True, own_error="Minified React error #418", pages=ABOUT,
    ),
    "angular": App(
        "Angular", "@angular/core", "src/app.html", "dist/browser", SINGLE, is_hashed=False
    ),
    "webpack": App(
        "webpack-dev-server", "webpack-dev-server", "src/heading.js", "dist", SINGLE,
        is_hashed=False,
    ),
}  # fmt: skip


def version_of(name: str) -> str:
    """As package.json names it, exactly."""
    wanted = json.loads((MINIMAL / name / "package.json").read_text())["dependencies"]
    return str(wanted[APPS[name].package])
