"""Threads that do all at once what can be done with the engine, in a process of their own.

python -m tests.free_threads.threads own|shared|pairs|imports URL SECONDS

Says how often each was done.
"""

from __future__ import annotations

import itertools
import random
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable

THREADS = 6


def at_once(work: Callable[[], object]) -> None:
    """In all threads, which begin together; the first error of any ends the process badly."""
    errors: list[str] = []
    together = threading.Barrier(THREADS)

    def run() -> None:
        together.wait()
        try:
            work()
        except BaseException:
            errors.append(traceback.format_exc())

    threads = [threading.Thread(target=run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        sys.exit("".join(errors))


def imported(url: str, seconds: float) -> Counter[str]:
    """The module, by all at once; then each executes it anew, as a reloader of modules may."""
    import importlib.util

    done: Counter[str] = Counter()

    def work() -> None:
        from samesite_proxy import _engine

        for _ in range(max(1, int(seconds))):
            spec = importlib.util.spec_from_file_location(_engine.__name__, _engine.__file__)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            assert module.Routes([("/", module.PREFIX, 1)]).match("/x") == 1
            done["imported"] += 1

    at_once(work)
    return done


def used(url: str, seconds: float, is_shared: bool) -> Counter[str]:
    from tests.free_threads.handles import USES, Handles

    shared = Handles(url) if is_shared else None
    until = time.monotonic() + seconds
    counts: list[Counter[str]] = []

    def work() -> None:
        handles = shared or Handles(url)
        done: Counter[str] = Counter()
        while time.monotonic() < until:
            for use in random.sample(USES, len(USES)):
                use(handles)
                done[use.__name__] += 1
        counts.append(done)

    at_once(work)
    return sum(counts, Counter())


def met(url: str, seconds: float) -> Counter[str]:
    """Every two uses, over and over by three threads each. Among other uses a race is rarely seen:
    a lock that one of them takes puts both sides in an order."""
    from tests.free_threads.handles import USES, Handles

    handles = Handles(url)
    pairs = list(itertools.combinations_with_replacement(USES, 2))
    random.shuffle(pairs)
    together = threading.Barrier(THREADS)
    counts: list[Counter[str]] = []

    def work() -> None:
        done: Counter[str] = Counter()
        for pair in pairs:
            use = pair[together.wait(60) % 2]
            until = time.monotonic() + seconds / len(pairs)
            while time.monotonic() < until:
                use(handles)
                done[use.__name__] += 1
        counts.append(done)

    at_once(work)
    return sum(counts, Counter())


def main(kind: str, url: str, seconds: str) -> None:
    if kind == "imports":
        done = imported(url, float(seconds))
    elif kind == "pairs":
        done = met(url, float(seconds))
    else:
        done = used(url, float(seconds), kind == "shared")
    print(", ".join(f"{name} {count}" for name, count in sorted(done.items())))
    if hasattr(sys, "_is_gil_enabled"):
        assert not sys._is_gil_enabled(), "the GIL is on"


if __name__ == "__main__":
    main(*sys.argv[1:])
