"""The kinds of comparison: what each is given, and who is compared with whom."""

from dataclasses import dataclass, replace
from typing import Literal

from bench.subjects import FASTPATH, OURS, Subject, lacking

THE_FASTPATH = Subject(OURS, FASTPATH)
MANY_DESCRIPTORS = 20_000


@dataclass(frozen=True, kw_only=True)
class Named:
    """A case by its name for the command line, and its title for the table."""

    name: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Against(Named):
    """What of ours is compared with what."""

    ours: Subject
    others: tuple[Subject, ...]


@dataclass(frozen=True, kw_only=True)
class Small(Against):
    """Many small answers on kept-alive connections."""

    path: str
    connections: int
    closes: bool = False  # The upstream, each connection behind its answer.


@dataclass(frozen=True, kw_only=True)
class Echo(Against):
    """A small message on a WebSocket, its echo, and again."""


@dataclass(frozen=True, kw_only=True)
class Large(Against):
    """One large body after the other."""

    upload: bool
    tls: bool = False  # The upstream speaks it.


@dataclass(frozen=True, kw_only=True)
class Page(Against):
    """A page of many modules, loaded by a browser that has nothing of it yet."""


@dataclass(frozen=True, kw_only=True)
class Crowd(Named):
    """What idle live connections do to the median of ordinary requests."""

    path: str
    ours: Subject
    at_most: float


@dataclass(frozen=True, kw_only=True)
class Burn(Against):
    """What a view that computes in Python does to the slowest of the frontend's requests."""

    path: str
    connections: int
    at_most: float


@dataclass(frozen=True, kw_only=True)
class Memory(Named):
    """A large answer to a reader that takes it slowly."""

    subjects: tuple[Subject, ...]


@dataclass(frozen=True, kw_only=True)
class Downloads(Against):
    """Many slow downloads at once."""

    connections: int
    descriptors: int
    threads_at_most: int
    megabytes_at_most: int


@dataclass(frozen=True, kw_only=True)
class Beside(Named):
    """What thousands of live connections on which nothing moves add to the CPU of small requests.

    And how often the upstream's connections are used again beside them.
    """

    path: str = "/1k"
    connections: int = 32
    websockets: int
    event_streams: int
    tls: bool = False
    descriptors: int = MANY_DESCRIPTORS
    ours: Subject = THE_FASTPATH
    at_most: float = 1.25
    reuse_at_least: float = 0.999


@dataclass(frozen=True, kw_only=True)
class Streams(Against):
    """The CPU of small requests by the number of event streams that are open beside them."""

    path: str = "/1k"
    connections: int = 32
    counts: tuple[int, ...] = (0, 500, 1000, 2000, 4000)
    descriptors: int = MANY_DESCRIPTORS


@dataclass(frozen=True, kw_only=True)
class Idle(Named):
    """The memory that each of many connections holds on which nothing moves."""

    kind: Literal["clients", "websockets"]
    count: int
    tls: bool = False
    descriptors: int = MANY_DESCRIPTORS
    ours: Subject = THE_FASTPATH
    others: tuple[Subject, ...]
    kilobytes_at_most: float


Compared = Small | Echo | Large | Page
Disturbed = Crowd | Burn
Case = Compared | Disturbed | Memory | Downloads | Beside | Streams | Idle


def without_lacking(case: Case) -> tuple[Case, dict[str, str]]:
    """Leave out whom this machine has not; say why of each."""
    if isinstance(case, Crowd | Beside | Memory):
        return case, {}
    why = {other.name: lacking(other.server) for other in case.others}
    present = tuple(other for other in case.others if why[other.name] is None)
    return replace(case, others=present), {name: text for name, text in why.items() if text}
