"""gunicorn kills a sync worker that is silent for its timeout; a stalled upstream must not."""

from __future__ import annotations

from tests.harness.scripted_upstream import Connection, scripted
from tests.process.numbers import asked, body_of, numbered
from tests.process.servers import running


def stalling_first(connection: Connection) -> None:
    """Never answers on its first connection."""
    if connection.index == 0:
        connection.receive_to_end()
    else:
        numbered(connection)


def test_stalled_upstream_is_a_504_before_the_worker_is_killed() -> None:
    options = "--no-control-socket --timeout 7"
    with (
        scripted(stalling_first) as upstream,
        running("sync", upstream.url, GUNICORN_CMD_ARGS=options) as server,
    ):
        assert asked(server.port, "/api/process/").status == 200  # The worker is there.
        workers = server.pids()
        assert asked(server.port, "/n/stalled").status == 504
        assert asked(server.port, "/n/next").body == body_of("next")
        assert server.pids() == workers
        assert "WORKER TIMEOUT" not in server.log()
