"""Clients that leave and answers that are broken off, many at once: under the sanitizer of threads,
too, which ends a process whose threads race."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.failing_calls.leaving import WAYS, Leaving

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*SSLSocket:pytest.PytestUnraisableExceptionWarning"
)


@pytest.mark.parametrize("kind", WAYS)
def test_clients_that_leave_are_nobody_elses_trouble(kind: str, tmp_path: Path) -> None:
    with Leaving(kind, tmp_path, seed=1) as trial:
        report = trial.run(seconds=3)
    assert report.wrong == []
    assert report.count("whole") > 20
    assert report.outcomes["ask_and_leave whole"] > 5
    assert report.outcomes["fork whole"] > 0
