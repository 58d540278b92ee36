"""A short soak of each way in; that it would see faults of the engine's is for make soak-proof."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import pytest

from tests.harness.django_servers import Program
from tests.process.processes import await_that
from tests.soak.report import text_of
from tests.soak.run import Plan, soak
from tests.soak.servers import WAYS

# All that a soak does, in a few seconds.
SECONDS = 12.0
KINDS = {"whole", "event streams", "events", "WebSockets", "messages"}
FAULTS = {"aborts", "cuts", "restarts"}


@pytest.mark.unsanitized
@pytest.mark.parametrize("way", WAYS)
def test_short_soak_finds_nothing_and_has_tried_everything(way: str, tmp_path: Path) -> None:
    plan = Plan(way, SECONDS, rate=100, save_every=4, restart_every=5, parts_least=2)
    outcome = asyncio.run(soak(plan, tmp_path))
    told = text_of(outcome)
    assert outcome.is_good(), told
    assert set(outcome.verdict.done) >= KINDS, told
    assert {name for name, count in outcome.verdict.faults.items() if count} >= FAULTS, told
    assert len(outcome.rests) == 2, told


@pytest.mark.unsanitized
def test_interrupt_ends_it_with_the_report_so_far(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    command = ["-m", "tests.soak", "--rate=50", f"--json={file}"]
    program = Program("soak", command, {})
    try:
        await_that("a line of how far it is", lambda: "soak: " in program.log())
        program.signal(signal.SIGINT)
        assert program.wait() == 0, program.log()
        assert "\nnothing wrong\n" in program.log()
        assert 0 < json.loads(file.read_text())["requests"] < 5000
    finally:
        program.stop()
