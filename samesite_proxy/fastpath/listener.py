"""The listening socket and the engine behind it, in the process that outlives reloads."""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

from samesite_proxy import shutdown
from samesite_proxy._engine import Listener
from samesite_proxy.conf import Frontend
from samesite_proxy.conf.values import parse_max_connections
from samesite_proxy.fastpath import forks, handover
from samesite_proxy.fastpath.handover import Address, Handover
from samesite_proxy.fastpath.supervisor import Supervisor

if TYPE_CHECKING:
    from samesite_proxy.machine.elsewhere import Lookout

BACKLOG = 1024
# Of clients: each may need a second descriptor, for a connection to a frontend.
MOST_CONNECTIONS = 4096


def listen(host: str, port: int, *, ipv6: bool) -> socket.socket:
    """A listening socket as Django's server would make it, with a longer queue."""
    listener = socket.socket(socket.AF_INET6 if ipv6 else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return forks.own(listener)


class FastPath:
    """Open from its making until close()."""

    def __init__(self, listening: socket.socket) -> None:
        shutdown.stop_engine_at_exit()
        questions, asked = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._questions = forks.own(questions)
        with asked:
            asked.setblocking(False)
            self._listener = Listener(
                [listening.fileno()], parse_max_connections(MOST_CONNECTIONS), asked.fileno()
            )
        host, port = listening.getsockname()[:2]
        ours, theirs = socket.socketpair()
        self._theirs = theirs
        self._address = Address(listening.family, host, port)
        self._ours = forks.own(ours)
        self._supervisor = Supervisor(self._listener, ours, questions, self._lookout_for)
        self._own: Handover | None = None  # of a server in this process
        self._supervisor.start()

    def _lookout_for(self, frontends: tuple[Frontend, ...]) -> Lookout:
        """For dev servers elsewhere, in DEBUG."""
        from samesite_proxy.machine.elsewhere import Lookout

        return Lookout(frontends, self._address.port, self._say_moved)

    def _say_moved(self) -> None:
        with contextlib.suppress(OSError):  # It is closed.
            self.moved()

    def offer(self) -> None:
        """To the processes that are started from now on."""
        handover.offer(self._theirs, self._address)

    def files(self) -> list[str]:
        """What the last server process was made of."""
        return self._supervisor.files

    @property
    def is_known(self) -> bool:
        """Whether Django has ever started."""
        return self._supervisor.is_known

    def child_starts(self) -> None:
        self._theirs.send(handover.STARTS)

    def child_has_ended(self) -> None:
        """Until the next one starts, nobody comes."""
        self._theirs.send(handover.ENDED)

    def moved(self) -> None:
        """What is said of the frontends is not what it was: the table is the same."""
        self._theirs.send(handover.MOVED)

    def handover(self) -> Handover:
        """For this process."""
        self._own = Handover(self._theirs, self._address)
        return self._own

    def close(self) -> None:
        if self._own is not None:
            self._own.expect_end()
        self._theirs.send(handover.LAST_WORD)
        self._supervisor.join()
        self._listener.close()
        self._supervisor.write_records()  # Of those that the end has answered, too.
        self._theirs.close()
        self._ours.close()
        self._questions.close()
