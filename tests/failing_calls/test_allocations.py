"""Memory that is short at one moment costs one request, and is nobody else's fault. Every seventh
allocation of each visit fails here, and a few of a save's: `make failing-calls` has them all."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.failing_calls.saves import SaveSweep
from tests.failing_calls.sweep import Sweep

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="preloads a library"),
    # Python leaves one open that was reset before TLS began on it.
    pytest.mark.filterwarnings("ignore:.*SSLSocket:pytest.PytestUnraisableExceptionWarning"),
]

SEED = 1
STRIDE, STRIDE_OF_SAVES = 7, 250


def test_each_visit_that_memory_is_short_for_fails_visibly_at_most(tmp_path: Path) -> None:
    with Sweep(tmp_path) as sweep:
        *reports, rest = sweep.run_all(STRIDE, SEED)
    assert [wrong for report in (*reports, rest) for wrong in report.wrong] == []
    assert [report.scene for report in reports if report.failed == 0] == []


@pytest.mark.slow
def test_save_that_memory_is_short_for_is_made_good(tmp_path: Path) -> None:
    with SaveSweep(tmp_path) as sweep:
        report = sweep.run(STRIDE_OF_SAVES, SEED)
    assert report.wrong == []
    assert report.failed > 0
