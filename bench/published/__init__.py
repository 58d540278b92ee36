"""Writes what was measured as a page with plots, and keeps its figures beside it."""

import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from bench import machine
from bench.cases import CASES
from bench.document import document
from bench.effort import Effort
from bench.published import page, store
from bench.results import Result


def publisher(
    file: Path | None, names: set[str], described: Mapping[str, object], effort: Effort
) -> Callable[[Result], None]:
    """Return what puts each case on the page as soon as it is measured: a run may be broken off."""
    if file is None:
        return lambda result: None
    store.refuse_other_machine(store.load(file), described, names)
    about = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "commit": machine.commit(),
        "load": round(os.getloadavg()[0], 2),
        "repeats": effort.repeats,
        "seconds": effort.seconds,
    }
    known = [case.name for case in CASES]

    def publish(result: Result) -> None:
        case = {**document(result), "run": about}
        merged = store.merged(store.load(file), described, [case], known)
        store.save(file, merged)
        page.write(file, merged, known)

    return publish
