"""Runs the cases: starts the servers, repeats the load, reads what it cost."""

import contextlib
import http.client
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from bench import browser, load, processes, sockets
from bench.beside import beside, growing, held_by_each
from bench.burn import burning
from bench.downloads import descriptor_limit, slow_downloads
from bench.effort import SLOW, Effort
from bench.kinds import (
    Beside,
    Burn,
    Case,
    Compared,
    Crowd,
    Downloads,
    Echo,
    Idle,
    Large,
    Memory,
    Page,
    Small,
    Streams,
)
from bench.load import MB, SmallResult
from bench.machine import Cores
from bench.progress import Progress
from bench.results import Result, Sample, Spread
from bench.reuse import counting, counts_of
from bench.servers import Server, Servers
from bench.subjects import (
    Subject,
    start,
    start_live,
    start_many,
    start_project,
    start_sink,
    start_upstream,
)

WARM_UP_REQUESTS = 100
LARGE = 100 * MB
# Small enough for a thousand of them in the kernel, and less than the answer.
SEND_BUFFER = 128 * 1024
HELD_BACK = 2 * MB


def write_files(folder: Path, slow_size: int) -> None:
    """Make what the upstream serves. The largest file is a hole: it is read slowly anyway."""
    (folder / "1k").write_bytes(b"x" * 1024)
    (folder / "20k").write_bytes(b"x" * 20 * 1024)
    with (folder / "large").open("wb") as file:
        for _ in range(LARGE // MB):
            file.write(os.urandom(MB))
    (folder / "held").write_bytes(os.urandom(HELD_BACK))
    with (folder / "slow").open("wb") as file:
        file.truncate(slow_size)


class Bench:
    """One run: its folders, cores and patience."""

    def __init__(
        self, folder: Path, files: Path, cores: Cores, effort: Effort, progress: Progress
    ) -> None:
        self._folder = folder
        self._files = files
        self._cores = cores
        self._effort = effort
        self._progress = progress

    def run(self, case: Case) -> Result:
        """Measure one case with servers of its own."""
        match case:
            case Small():
                return self._run_small(case)
            case Echo():
                return self._run_echo(case)
            case Large():
                return self._run_large(case)
            case Page():
                return self._run_page(case)
            case Crowd():
                return self._run_crowd(case)
            case Burn():
                return self._run_burn(case)
            case Memory():
                return self._run_memory(case)
            case Downloads():
                return self._run_downloads(case)
            case Beside():
                return self._run_beside(case)
            case Streams():
                return self._run_streams(case)
            case Idle():
                return self._run_idle(case)

    def _servers(self, case: Case) -> Servers:
        return Servers(self._folder / case.name)

    def _start_all(
        self, servers: Servers, upstream: Server, subjects: tuple[Subject, ...], path: str
    ) -> dict[str, Server]:
        """Start each server once, also where two subjects share it, and wait for the answers."""
        upstream.wait_until_it_answers(path)
        started: dict[str, Server] = {}
        for subject in subjects:
            if subject.server not in started:
                started[subject.server] = start(servers, subject.server, upstream, self._cores)
        for subject in subjects:
            started[subject.server].wait_until_it_answers(subject.prefix + path)
        return started

    def _repeats(self, case: Compared | Burn | Downloads | Streams | Idle) -> Iterator[Subject]:
        """Take turns, so that a disturbance does not meet one subject alone."""
        for repeat in range(self._effort.repeats_of(case)):
            for subject in (case.ours, *case.others):
                self._progress.step(f"{case.title}: {subject.name}, repeat {repeat + 1}")
                yield subject

    def _run_small(self, case: Small) -> Result:
        result = Result(case)
        effort = self._effort
        subjects = (case.ours, *case.others)
        with self._servers(case) as servers:
            upstream = start_upstream(servers, self._files, self._cores, closes=case.closes)
            started = self._start_all(servers, upstream, subjects, case.path)
            self._progress.step(f"{case.title}: warm-up")
            direct = f"http://{upstream.address}{case.path}"
            alone = load.wrk(direct, case.connections, effort.warm_up_seconds)
            result.limit = alone.requests / alone.seconds
            for subject in subjects:
                url = subject.url(started[subject.server], case.path)
                load.wrk(url, case.connections, effort.warm_up_seconds)
            for subject in self._repeats(case):
                server = started[subject.server]
                url = subject.url(server, case.path)
                counted = counts_of(upstream)
                sample = self._sample(server, partial(load.wrk, url, case.connections))
                if server is not upstream:
                    sample = counting(sample, counted, counts_of(upstream))
                result.samples.setdefault(subject.name, []).append(sample)
        return result

    def _sample(self, server: Server, measure: Callable[[float], SmallResult]) -> Sample:
        """Measure for a while, with what it costs the server."""
        before = processes.cpu_seconds(server.process.pid)
        seen = measure(self._effort.seconds)
        used = processes.cpu_seconds(server.process.pid) - before
        rate = seen.requests / seen.seconds
        cpu = used / seen.requests * 1e6
        return Sample(rate, cpu, seen.p99_ms, seen.p999_ms, requests=seen.requests)

    def _run_echo(self, case: Echo) -> Result:
        result = Result(case)
        with self._servers(case) as servers:
            upstream = start_live(servers, self._cores)
            subjects = (case.ours, *case.others)
            started = self._start_all(servers, upstream, subjects, "/1k")
            self._progress.step(f"{case.title}: warm-up")
            alone = sockets.round_trips(upstream, self._effort.warm_up_seconds)
            result.limit = alone.requests / alone.seconds
            for subject in self._repeats(case):
                server = started[subject.server]
                sample = self._sample(server, partial(sockets.round_trips, server))
                result.samples.setdefault(subject.name, []).append(sample)
        return result

    def _run_crowd(self, case: Crowd) -> Result:
        """Take turns between the empty server and the crowded one."""
        result = Result(case)
        ratios = []
        with self._servers(case) as servers:
            upstream = start_live(servers, self._cores)
            server = self._start_all(servers, upstream, (case.ours,), case.path)[case.ours.server]
            url = case.ours.url(server, case.path)
            for repeat in range(self._effort.repeats):
                self._progress.step(f"{case.title}: repeat {repeat + 1}")
                without = load.wrk(url, 1, self._effort.seconds)
                with sockets.crowd(server):
                    within = load.wrk(url, 1, self._effort.seconds)
                ratios.append(within.p50_ms / without.p50_ms)
        result.slowdown[case.ours.name] = Spread(tuple(ratios))
        return result

    def _run_beside(self, case: Beside) -> Result:
        """Take turns between the empty server and the crowded one; wrk's connections are new."""
        result = Result(case)
        with descriptor_limit(case.descriptors), self._servers(case) as servers:
            upstream = start_many(servers, self._cores, case.tls)
            server = self._start_all(servers, upstream, (case.ours,), case.path)[case.ours.server]
            measured = partial(load.wrk, case.ours.url(server, case.path), case.connections)
            crowded = []
            for repeat in range(self._effort.repeats):
                self._progress.step(f"{case.title}: repeat {repeat + 1}")
                sample = partial(self._sample, server, measured)
                crowded.append(beside(case, server, upstream, sample))
        result.slowdown[case.ours.name] = Spread(tuple(each.slowdown for each in crowded))
        result.reuse[case.ours.name] = Spread(tuple(each.reuse for each in crowded))
        return result

    def _run_streams(self, case: Streams) -> Result:
        """Open ever more of them, on one server after the other."""
        result = Result(case)
        costs: dict[str, list[dict[int, float]]] = {}
        with descriptor_limit(case.descriptors), self._servers(case) as servers:
            upstream = start_many(servers, self._cores, tls=False)
            subjects = (case.ours, *case.others)
            started = self._start_all(servers, upstream, subjects, case.path)
            for subject in self._repeats(case):
                server = started[subject.server]
                url = subject.url(server, case.path)
                measured = partial(load.wrk, url, case.connections)
                sample = partial(self._sample, server, measured)
                costs.setdefault(subject.name, []).append(growing(case, server, upstream, sample))
        for name, repeats in costs.items():
            each = {count: Spread(tuple(cost[count] for cost in repeats)) for count in case.counts}
            result.streams[name] = each
        return result

    def _run_idle(self, case: Idle) -> Result:
        """Take a new server for each repeat, as for downloads."""
        result = Result(case)
        held: dict[str, list[float]] = {}
        with descriptor_limit(case.descriptors), self._servers(case) as servers:
            upstream = start_many(servers, self._cores, case.tls)
            upstream.wait_until_it_answers("/1k")
            for subject in self._repeats(case):
                server = start(servers, subject.server, upstream, self._cores)
                server.wait_until_it_answers("/1k")
                held.setdefault(subject.name, []).append(held_by_each(case, server))
        result.memory = {name: Spread(tuple(values)) for name, values in held.items()}
        return result

    def _run_burn(self, case: Burn) -> Result:
        """Load each of the servers, while the same process as ever computes and while not."""
        result = Result(case)
        ratios: dict[str, list[float]] = {}
        with self._servers(case) as servers:
            upstream = start_upstream(servers, self._files, self._cores)
            started = self._start_all(servers, upstream, (case.ours, *case.others), case.path)
            seconds = self._effort.seconds
            for subject in self._repeats(case):
                url = subject.url(started[subject.server], case.path)
                idle = load.wrk(url, case.connections, seconds)
                with burning(started[case.ours.server], self._cores.third, seconds):
                    busy = load.wrk(url, case.connections, seconds)
                ratios.setdefault(subject.name, []).append(busy.p99_ms / idle.p99_ms)
        result.slowdown = {name: Spread(tuple(values)) for name, values in ratios.items()}
        return result

    def _run_page(self, case: Page) -> Result:
        result = Result(case)
        subjects = (case.ours, *case.others)
        with browser.chromium() as chromium, self._servers(case) as servers:
            upstream = start_project(servers, self._cores)
            started = self._start_all(servers, upstream, subjects, "/")
            self._progress.step(f"{case.title}: warm-up")
            for server in started.values():
                browser.load_seconds(chromium, server, f"http://{server.address}/")
            for subject in self._repeats(case):
                server = started[subject.server]
                before = processes.cpu_seconds(server.process.pid)
                seconds = browser.load_seconds(chromium, server, subject.url(server, "/"))
                used = processes.cpu_seconds(server.process.pid) - before
                result.samples.setdefault(subject.name, []).append(Sample(1 / seconds, cpu=used))
        return result

    def _transfer(self, case: Large, server: Server, seconds: float) -> Sample:
        """Move large bodies one after the other for a while."""
        before, start_time, moved = processes.cpu_seconds(server.process.pid), time.monotonic(), 0
        elapsed = 0.0
        while not moved or elapsed < seconds:
            if case.upload:
                load.upload(server, "/sink", self._files / "large")
            else:
                load.download(server, "/large", LARGE)
            moved += LARGE
            elapsed = time.monotonic() - start_time
        used = processes.cpu_seconds(server.process.pid) - before
        return Sample(rate=moved / MB / elapsed, cpu=used / (moved / (1024 * MB)))

    def _run_large(self, case: Large) -> Result:
        result = Result(case)
        with self._servers(case) as servers:
            if case.upload:
                upstream = start_sink(servers, self._cores)
            else:
                upstream = start_upstream(servers, self._files, self._cores, tls=case.tls)
            subjects = (case.ours, *case.others)
            started = self._start_all(servers, upstream, subjects, "/1k")
            self._progress.step(f"{case.title}: warm-up")
            if not case.tls:  # The clients do not speak it.
                result.limit = self._transfer(case, upstream, self._effort.warm_up_seconds).rate
            for server in started.values():
                self._transfer(case, server, 0)
            for subject in self._repeats(case):
                sample = self._transfer(case, started[subject.server], self._effort.seconds)
                result.samples.setdefault(subject.name, []).append(sample)
        return result

    def _run_memory(self, case: Memory) -> Result:
        """Run all repeats of all servers at once: each has its own process and a slow reader."""
        result = Result(case)
        subjects = case.subjects * self._effort.repeats
        # The servers end before the pool waits for its threads, so that Ctrl-C is quick.
        with ThreadPoolExecutor(len(subjects)) as pool, self._servers(case) as servers:
            upstream = start_upstream(servers, self._files, self._cores)
            upstream.wait_until_it_answers("/1k")
            self._progress.step(f"{case.title}: {len(subjects)} servers at once")
            started = [
                start(servers, subject.server, upstream, self._cores) for subject in subjects
            ]
            rises = list(pool.map(self._peak_rise, started))
        for index, subject in enumerate(case.subjects):
            result.memory[subject.name] = Spread(tuple(rises[index :: len(case.subjects)]))
        return result

    def _peak_rise(self, server: Server) -> float:
        """Return by how much a slow download raises the server's peak over its warm state."""
        before = self._warm_bytes(server)
        load.download(server, "/slow", self._effort.slow_size, SLOW)
        return processes.peak_bytes(server.process.pid) - before

    def _warm_bytes(self, server: Server) -> int:
        """Return what a server holds after some requests; its peak begins there."""
        server.wait_until_it_answers("/1k")
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port)) as warm:
            for _ in range(WARM_UP_REQUESTS):
                warm.request("GET", "/1k")
                warm.getresponse().read()
        processes.forget_peak(server.process.pid)
        return processes.resident_bytes(server.process.pid)

    def _run_downloads(self, case: Downloads) -> Result:
        """Take a new server for each repeat: what one keeps after the first is not its rest."""
        result = Result(case)
        body = (self._files / "held").read_bytes()
        rises: dict[str, list[float]] = {}
        threads: dict[str, list[float]] = {}
        with descriptor_limit(case.descriptors), self._servers(case) as servers:
            upstream = start_upstream(servers, self._files, self._cores, send_buffer=SEND_BUFFER)
            upstream.wait_until_it_answers("/1k")
            for subject in self._repeats(case):
                server = start(servers, subject.server, upstream, self._cores)
                before = self._warm_bytes(server)
                seconds = self._effort.seconds
                with slow_downloads(server, "/held", body, case.connections, seconds):
                    seen = processes.threads(server.process.pid)
                rise = processes.peak_bytes(server.process.pid) - before
                rises.setdefault(subject.name, []).append(rise)
                threads.setdefault(subject.name, []).append(seen)
        result.memory = {name: Spread(tuple(values)) for name, values in rises.items()}
        result.threads = {name: Spread(tuple(values)) for name, values in threads.items()}
        return result
