"""Clients that leave and answers that are broken off, many at once: under the sanitizer of threads,
too, which ends a process whose threads race."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.failing_calls.leaving import WAYS, Leaving

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*SSLSocket:pytest.PytestUnraisableExceptionWarning"
)


# A child of a process with threads may stand still under a sanitizer: that of threads does not
# support it, and in that of addresses a thread that is no more may have held the allocator.
MAY_FORK = not re.search("lib[at]san", os.environ.get("LD_PRELOAD", ""))


@pytest.mark.parametrize("kind", WAYS)
def test_clients_that_leave_are_nobody_elses_trouble(kind: str, tmp_path: Path) -> None:
    with Leaving(kind, tmp_path, seed=1, forks=MAY_FORK) as trial:
        report = trial.run(seconds=3)
    assert report.wrong == []
    assert report.count("whole") > 20
    assert report.outcomes["ask_and_leave whole"] > 5
    assert not MAY_FORK or report.outcomes["fork whole"] > 0
