"""The benchmark's run: a case that fails, or does not end, is named and stops no other."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bench import effort
from bench.__main__ import run
from bench.apart import CaseFailed, apart
from bench.cases import CASES
from bench.kinds import Case
from bench.load import LoadFailed
from bench.machine import Cores
from bench.measure import Bench
from bench.results import Result, Sample
from bench.servers import Servers, free_port

LONG = 60.0
CORES = Cores(*[min(os.sched_getaffinity(0))] * 3)
IDLE = [sys.executable, "-c", "import time; time.sleep(600)"]
# Tries its port first, as Vite does: whoever connects meanwhile is reset.
TRIES_FIRST = """
import socket, sys
address = ("127.0.0.1", int(sys.argv[1]))
with socket.create_server(address) as listener:
    listener.accept()[0].recv(1)
with socket.create_server(address) as listener, listener.accept()[0] as client:
    client.recv(65536)
    client.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 0\\r\\n\\r\\n")
"""


def result() -> Result:
    return Result(CASES[0], samples={"ours": [Sample(1, 2)]})


def fails() -> Result:
    raise LoadFailed("2 of 3 requests failed")


def dies() -> Result:
    os._exit(3)


def test_result_comes_from_the_process_of_the_case() -> None:
    assert apart(result, LONG) == result()


@pytest.mark.parametrize(
    ("case", "seconds", "said"),
    [
        pytest.param(fails, LONG, "2 of 3 requests failed"),
        pytest.param(dies, LONG, "its process ended with 3"),
        pytest.param(lambda: time.sleep(LONG), 0.5, "it did not end within 0.5 s"),
    ],
)
def test_case_without_result_says_why(
    case: Callable[[], Result], seconds: float, said: str
) -> None:
    with pytest.raises(CaseFailed, match=said):
        apart(case, seconds)


def test_servers_of_a_case_that_does_not_end_are_ended(tmp_path: Path) -> None:
    def hangs() -> Result:
        with Servers(tmp_path) as servers:
            server = servers.start("idle", IDLE, tmp_path, 0, CORES.load)
            (tmp_path / "pid").write_text(str(server.process.pid))
            time.sleep(LONG)
        return result()

    with pytest.raises(CaseFailed, match="did not end"):
        apart(hangs, 2)
    pid = int((tmp_path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_run_goes_on_behind_a_case_that_does_not_end(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def one_hangs(bench: Bench, case: Case) -> Result:
        if case.name == CASES[0].name:
            time.sleep(LONG)
        return Result(case, samples={"ours": [Sample(1, 2)]})

    monkeypatch.setattr(Bench, "run", one_hangs)
    monkeypatch.setattr(effort.Effort, "deadline", lambda *of: 0.5)
    published: list[Result] = []
    results, failed = run(CASES[:3], effort.QUICK, CORES, published.append)
    assert failed == [CASES[0].name]
    assert [each.case.name for each in results] == [case.name for case in CASES[1:3]]
    assert published == results
    assert f"{CASES[0].name} failed: it did not end within 0.5 s" in capfd.readouterr().err


def test_server_that_tries_its_port_first_is_waited_for(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-c", TRIES_FIRST, str(port)]
    with Servers(tmp_path) as servers:
        server = servers.start("tries", command, tmp_path, port, CORES.load)
        server.wait_until_it_answers("/")
