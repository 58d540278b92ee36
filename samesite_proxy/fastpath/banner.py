"""What the banner says of each frontend, once it has been asked whether it is up."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from samesite_proxy import background
from samesite_proxy.conf import Frontend, Settings
from samesite_proxy.conf.frontends import where_now
from samesite_proxy.fastpath.telling import tell
from samesite_proxy.machine import elsewhere


def _is_down(frontend: Frontend) -> bool:
    return frontend.folder is None and not elsewhere.is_up(frontend)


def _state_of(frontend: Frontend, settings: Settings, *, is_down: bool) -> str:
    if frontend.folder is not None:
        return f"the folder {frontend.address}"
    state = "not running yet" if is_down else "up"
    if not frontend.is_commanded:
        return f"{frontend.address} ({state})"
    line = next(each.line for each in settings.commands if each.prefix == frontend.prefix)
    if is_down:
        return f"by COMMAND, `{line}` ({state})"
    return f"{frontend.address} ({state}), by COMMAND, `{line}`"


def _lines(settings: Settings, own_port: int) -> Iterator[str]:
    is_only = len(settings.frontends) == 1
    frontends = tuple(where_now(each) for each in settings.frontends)
    down = [each for each in frontends if _is_down(each)]
    for frontend in frontends:
        name = "Frontend" if is_only else f"Frontend of {frontend.prefix}"
        yield f"{name}: {_state_of(frontend, settings, is_down=frontend in down)}"
    if not settings.debug or not down:
        return
    lookout = elsewhere.lookout(settings.frontends, own_port)
    lookout.look(down)
    for frontend in settings.frontends:
        if told := lookout.told_of(frontend):
            yield f"Nothing listens at {frontend.address}, but {told}"


def _write(settings: Settings, own_port: int, write_line: Callable[[str], object]) -> None:
    for line in _lines(settings, own_port):
        tell(write_line, f"{line}\n")


def say(settings: Settings, own_port: int, write_line: Callable[[str], object]) -> None:
    """In a thread: what is asked may be slow to answer, and no request waits for it. A line is
    written at once, with its end.
    """
    with contextlib.suppress(RuntimeError):  # No thread is to be had.
        background.Thread(_write, settings, own_port, write_line).start()
