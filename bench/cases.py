"""The list of what is compared with what, and the goals beside it."""

from dataclasses import dataclass

from bench.subjects import AIOHTTP, NGINX, NOOP, OURS, REVPROXY, UVICORN, WRAPPED, Subject

GTHREAD_OURS = Subject(OURS, "gthread")
GTHREAD_NOOP = Subject(NOOP, "gthread", "/noop")
RUNSERVER_OURS = Subject(OURS, "runserver")
RUNSERVER_NOOP = Subject(NOOP, "runserver", "/noop")
DJANGO_REVPROXY = Subject(REVPROXY, REVPROXY)
PLAIN_NGINX = Subject(NGINX, NGINX)
ASYNC_NOOP = Subject(NOOP, UVICORN, "/async-noop")
AIOHTTP_PROXY = Subject(AIOHTTP, AIOHTTP)


@dataclass(frozen=True)
class Small:
    """Many small answers on kept-alive connections."""

    name: str
    title: str
    path: str
    connections: int
    ours: Subject
    others: tuple[Subject, ...]


@dataclass(frozen=True)
class Echo:
    """A small message on a WebSocket, its echo, and again."""

    name: str
    title: str
    ours: Subject
    others: tuple[Subject, ...]


@dataclass(frozen=True)
class Crowd:
    """What idle live connections do to the median of ordinary requests."""

    name: str
    title: str
    path: str
    ours: Subject
    at_most: float


@dataclass(frozen=True)
class Large:
    """One large body after the other."""

    name: str
    title: str
    upload: bool
    ours: Subject
    others: tuple[Subject, ...]


@dataclass(frozen=True)
class Memory:
    """A large answer to a reader that takes it slowly."""

    name: str
    title: str
    subjects: tuple[Subject, ...]


Compared = Small | Echo | Large
Case = Compared | Crowd | Memory


@dataclass(frozen=True)
class Goal:
    """How many times the rate of another we want to reach at least."""

    case: str
    against: str
    at_least: float


CASES: tuple[Case, ...] = (
    Small(
        name="gthread-32-1k",
        title="gunicorn gthread, 32 connections, 1 KB",
        path="/1k",
        connections=32,
        ours=GTHREAD_OURS,
        others=(GTHREAD_NOOP, DJANGO_REVPROXY, PLAIN_NGINX),
    ),
    Small(
        name="gthread-32-20k",
        title="gunicorn gthread, 32 connections, 20 KB",
        path="/20k",
        connections=32,
        ours=GTHREAD_OURS,
        others=(GTHREAD_NOOP, DJANGO_REVPROXY, PLAIN_NGINX),
    ),
    Small(
        name="gthread-1-1k",
        title="gunicorn gthread, one connection, 1 KB",
        path="/1k",
        connections=1,
        ours=GTHREAD_OURS,
        others=(GTHREAD_NOOP, DJANGO_REVPROXY, PLAIN_NGINX),
    ),
    Small(
        name="runserver-8-1k",
        title="runserver, 8 connections, 1 KB",
        path="/1k",
        connections=8,
        ours=RUNSERVER_OURS,
        others=(RUNSERVER_NOOP, PLAIN_NGINX),
    ),
    Small(
        name="wrapped-32-1k",
        title="gunicorn gthread, in front of Django's handler, 32 connections, 1 KB",
        path="/1k",
        connections=32,
        ours=Subject(OURS, WRAPPED),
        others=(GTHREAD_NOOP, PLAIN_NGINX),
    ),
    Small(
        name="uvicorn-32-1k",
        title="uvicorn, in front of Django's handler, 32 connections, 1 KB",
        path="/1k",
        connections=32,
        ours=Subject(OURS, UVICORN),
        others=(ASYNC_NOOP, AIOHTTP_PROXY, PLAIN_NGINX),
    ),
    Echo(
        name="echo-runserver",
        title="runserver, WebSocket, round trips",
        ours=RUNSERVER_OURS,
        others=(PLAIN_NGINX,),
    ),
    Echo(
        name="echo-gthread",
        title="gunicorn gthread, WebSocket, round trips",
        ours=GTHREAD_OURS,
        others=(PLAIN_NGINX,),
    ),
    Crowd(
        name="crowd-sync",
        title="gunicorn sync, one connection, 1 KB, beside 200 WebSockets and 50 event streams",
        path="/1k",
        ours=Subject(OURS, "sync"),
        at_most=1.5,
    ),
    Large(
        name="100m-down",
        title="gunicorn gthread, 100 MB down",
        upload=False,
        ours=GTHREAD_OURS,
        others=(DJANGO_REVPROXY, PLAIN_NGINX),
    ),
    Large(
        name="100m-up",
        title="gunicorn gthread, 100 MB up",
        upload=True,
        ours=GTHREAD_OURS,
        others=(DJANGO_REVPROXY, PLAIN_NGINX),
    ),
    Memory(
        name="slow-reader",
        title="1 GB to a reader of 20 MB/s",
        subjects=(
            GTHREAD_OURS,
            Subject("ours, sync", "sync"),
            Subject("ours, runserver", "runserver"),
            DJANGO_REVPROXY,
            PLAIN_NGINX,
        ),
    ),
)

# A round trip of at most 1.1 times nginx's.
ECHO = 1 / 1.1

GOALS = (
    Goal("gthread-32-1k", NOOP, 0.65),
    Goal("gthread-32-1k", REVPROXY, 2.5),
    Goal("runserver-8-1k", NOOP, 0.8),
    Goal("wrapped-32-1k", NOOP, 1.0),
    Goal("uvicorn-32-1k", NOOP, 6.0),
    Goal("uvicorn-32-1k", AIOHTTP, 2.5),
    Goal("echo-runserver", NGINX, ECHO),
    Goal("echo-gthread", NGINX, ECHO),
    Goal("100m-down", NGINX, 1.0),
    Goal("100m-up", NGINX, 1.0),
)


def goal_for(case: str, against: str) -> float | None:
    """Return the goal for one comparison, if there is one."""
    for goal in GOALS:
        if (goal.case, goal.against) == (case, against):
            return goal.at_least
    return None
