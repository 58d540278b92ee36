"""What the system refuses breaks an exchange visibly at most: nothing is wrong, lost or doubled."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.failing_calls.trial import KINDS, Trial

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="preloads a library"),
    # Python leaves one open that was reset before TLS began on it.
    pytest.mark.filterwarnings("ignore:.*SSLSocket:pytest.PytestUnraisableExceptionWarning"),
]


@pytest.mark.parametrize("kind", KINDS)
def test_calls_that_fail_break_exchanges_visibly_at_most(kind: str, tmp_path: Path) -> None:
    with Trial(kind, tmp_path, seed=1) as trial:
        report = trial.run(seconds=3)
    assert report.wrong == []
    assert report.count("whole") > 20
    assert sum(report.failed.values()) > 50
