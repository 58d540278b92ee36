"""Tries the frontends of minimal/ in Chromium, and writes what came of it.

    python -m tests.frontends [NAME...]      all of them, or those that are named

Each is installed, started, edited and built in build/frontends; each that has been tried writes its
line of docs/compatibility.md, and the others keep theirs.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.conftest import CHROMIUM_OPTIONS
from tests.browser.live import WITH_NODE
from tests.browser.programs import DEADLINE
from tests.frontends import trials
from tests.frontends.apps import APPS, MINIMAL, version_of
from tests.harness.django_servers import ROOT

BUILD = ROOT / "build" / "frontends"
PAGE = ROOT / "docs" / "compatibility.md"
GREEN = "yes"


def say(words: str) -> None:
    print(f"frontends: {words}", flush=True)


def tried(what: str, trial: Callable[[], None]) -> str:
    """Its cell."""
    begin = time.monotonic()
    try:
        trial()
    except Exception as error:  # Whatever a browser, a program or an assertion says.
        say(f"{what}: FAILED: {''.join(traceback.format_exception(error)[-3:])}")
        first = next(iter(str(error).splitlines()), "") or type(error).__name__
        return f"**failed**: {first[:120]}".replace("|", "\\|")
    say(f"{what}: {GREEN}, {time.monotonic() - begin:.0f} s")
    return GREEN


def install(name: str) -> None:
    folder = BUILD / name
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(MINIMAL / name, folder)
    trials.npm(folder, "install", "--no-audit", "--no-fund", "--loglevel=error")


def cells_of(name: str, browser: Browser) -> list[str]:
    app, folder = APPS[name], BUILD / name
    if (cell := tried("npm install", partial(install, name))) != GREEN:
        return [cell, "", ""]
    cells = [tried("npm run build", partial(trials.npm, folder, "run", "build", STATIC="1"))]
    for server in (trials.RUNSERVER, trials.GUNICORN):
        if cells[-1] == GREEN:
            trial = partial(trials.try_build, app, folder, browser, server)
            cells.append(tried(f"folder, {server}", trial))
    dev = tried("npm run dev", partial(trials.try_dev_server, app, folder, browser))
    rendered = GREEN if app.is_rendered and dev == GREEN else "-"
    return [dev, rendered, cells[-1]]


def node_version() -> str:
    done = subprocess.run([*WITH_NODE, "node", "--version"], capture_output=True, text=True)
    return done.stdout.split()[-1].removeprefix("v")


def write_line(name: str, cells: list[str], node: str) -> None:
    """In the place of the frontend's line before."""
    title = f"{APPS[name].title} {version_of(name)}"
    line = " | ".join([f"`{name}`", title, *cells, node, f"{datetime.now(UTC):%Y-%m-%d}"])
    text = PAGE.read_text()
    assert f"\n| `{name}` |" in text
    PAGE.write_text(
        re.sub(rf"^\| `{re.escape(name)}` \|.*$", lambda _: f"| {line} |", text, flags=re.M)
    )


def main() -> int:
    names = sys.argv[1:] or list(APPS)
    if unknown := set(names) - set(APPS):
        print(f"no such frontend: {', '.join(unknown)}; there are {', '.join(APPS)}")
        return 2
    BUILD.mkdir(parents=True, exist_ok=True)
    node, results = node_version(), {}
    expect.set_options(timeout=DEADLINE * 1000)
    chromium = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_OPTIONS)
        for number, name in enumerate(names, 1):
            say(f"{name}, {number} of {len(names)}")
            results[name] = cells_of(name, browser)
            write_line(name, results[name], node)
        browser.close()
    for name, cells in results.items():
        print(f"{name:16}{' | '.join(cells)}")
    return int(any("failed" in cell for cells in results.values() for cell in cells))


if __name__ == "__main__":
    sys.exit(main())
