"""Clients that leave and answers that are broken off, many at once: under the sanitizer of threads,
too, which ends a process whose threads race."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.failing_calls.trial import Trial

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*SSLSocket:pytest.PytestUnraisableExceptionWarning"
)


@pytest.mark.parametrize("kind", ["fastpath", "runserver", "gthread", "uvicorn front"])
def test_clients_that_leave_are_nobody_elses_trouble(kind: str, tmp_path: Path) -> None:
    with Trial(kind, tmp_path, seed=1, preload=False) as trial:
        report = trial.leave_amid(seconds=3)
    assert report.wrong == []
    assert report.count("whole") > 20
