"""All frontends of COMMAND, from the start of runserver to its end."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator

from samesite_proxy.conf import Settings
from samesite_proxy.conf.whereabouts import Board
from samesite_proxy.fastpath.telling import tell
from samesite_proxy.frontend_process.runner import Runner, Surroundings


@contextlib.contextmanager
def started(
    settings: Settings,
    origin: str,
    write_line: Callable[[str], object],
    moved: Callable[[], None],
) -> Iterator[None]:
    """`moved` is told after each change of an address."""
    board = Board(settings.commands)

    def write(prefix: str, address: str | None) -> None:
        board.write(prefix, address)
        moved()

    around = Surroundings(origin, functools.partial(tell, write_line), write)
    frontends = {frontend.prefix: frontend for frontend in settings.frontends}
    runners = [Runner(command, frontends[command.prefix], around) for command in settings.commands]
    for runner in runners:
        runner.start()
    try:
        yield
    except KeyboardInterrupt:  # As Django's own runserver ends, once it serves.
        sys.exit(0)
    finally:
        for runner in runners:
            runner.ask_to_end()
        with contextlib.suppress(KeyboardInterrupt):  # Who is asked twice does not wait.
            for runner in runners:
                runner.await_end()
