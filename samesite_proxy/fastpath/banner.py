"""What the banner says of each frontend, once it has been asked whether it is up, and of the page
that shows who answers.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from django.conf import settings as django_settings
from django.http.request import validate_host

from samesite_proxy import background
from samesite_proxy.conf import Frontend, Settings
from samesite_proxy.conf.frontends import where_now
from samesite_proxy.fastpath.telling import tell
from samesite_proxy.machine import elsewhere
from samesite_proxy.proxy import place
from samesite_proxy.proxy.rules import FEED

IPV4, IPV6 = "127.0.0.1", "[::1]"
# Where a server that listens everywhere can be asked.
HERE = {"0": IPV4, "0.0.0.0": IPV4, "[::]": IPV6}


def _is_down(frontend: Frontend) -> bool:
    return frontend.folder is None and not elsewhere.is_up(frontend)


def _state_of(frontend: Frontend, settings: Settings, *, is_down: bool) -> str:
    if frontend.folder is not None:
        return f"the folder {frontend.address}"
    state = "not running" + ("" if frontend.is_given_up else " yet") if is_down else "up"
    if not frontend.is_commanded:
        return f"{frontend.address} ({state})"
    line = next(each.line for each in settings.commands if each.prefix == frontend.prefix)
    if is_down:
        return f"by COMMAND, `{line}` ({state})"
    return f"{frontend.address} ({state}), by COMMAND, `{line}`"


def _lines(settings: Settings, own_port: int, page: str) -> Iterator[str]:
    is_only = len(settings.frontends) == 1
    frontends = tuple(where_now(each) for each in settings.frontends)
    down = [each for each in frontends if _is_down(each)]
    for frontend in frontends:
        name = "Frontend" if is_only else f"Frontend of {frontend.prefix}"
        yield f"{name}: {_state_of(frontend, settings, is_down=frontend in down)}"
    if page:
        yield f"Who answers: {page}"
    if not settings.debug or not down:
        return
    lookout = elsewhere.lookout(settings.frontends, own_port)
    lookout.look(down)
    for frontend in settings.frontends:
        if told := lookout.told_of(frontend):
            yield f"Nothing listens at {frontend.address}, but {told}"


def _page_of_feed(addr: str, port: int) -> str:
    """As a browser on this machine may open it; "" where none may."""
    from samesite_proxy.feed import gate  # With DEBUG alone.

    name = f"[{addr}]" if ":" in addr else addr
    name = HERE.get(name, name)
    names = ["localhost", name] if name in (IPV4, IPV6) else [name]
    allowed = django_settings.ALLOWED_HOSTS or gate.OWN_NAMES
    host = next((each for each in names if validate_host(each, allowed)), "")
    is_here = name == "localhost" or gate.is_loopback(name.strip("[]"))
    return f"http://{host}:{port}{FEED}" if host and is_here and place.is_listed() else ""


def _write(
    settings: Settings, addr: str, own_port: int, write_line: Callable[[str], object]
) -> None:
    page = _page_of_feed(addr, own_port) if settings.debug else ""
    for line in _lines(settings, own_port, page):
        tell(write_line, f"{line}\n")


def say(settings: Settings, addr: str, own_port: int, write_line: Callable[[str], object]) -> None:
    """In a thread: what is asked may be slow to answer, and no request waits for it. A line is
    written at once, with its end. `addr` is where this server listens.
    """
    with contextlib.suppress(RuntimeError):  # No thread is to be had.
        background.Thread(_write, settings, addr, own_port, write_line).start()
