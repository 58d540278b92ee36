"""The list of what is compared with what, and the goals beside it."""

from dataclasses import dataclass

from bench.subjects import NGINX, NOOP, OURS, REVPROXY, Subject

GTHREAD_OURS = Subject(OURS, "gthread")
GTHREAD_NOOP = Subject(NOOP, "gthread", "/noop")
RUNSERVER_OURS = Subject(OURS, "runserver")
RUNSERVER_NOOP = Subject(NOOP, "runserver", "/noop")
DJANGO_REVPROXY = Subject(REVPROXY, REVPROXY)
PLAIN_NGINX = Subject(NGINX, NGINX)


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


@dataclass(frozen=True)
class Goal:
    """How many times the rate of another we want to reach at least."""

    case: str
    against: str
    at_least: float


CASES: tuple[Small | Large | Memory, ...] = (
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

GOALS = (
    Goal("gthread-32-1k", NOOP, 0.65),
    Goal("gthread-32-1k", REVPROXY, 2.5),
    Goal("runserver-8-1k", NOOP, 0.8),
    Goal("100m-down", NGINX, 1.0),
    Goal("100m-up", NGINX, 1.0),
)


def goal_for(case: str, against: str) -> float | None:
    """Return the goal for one comparison, if there is one."""
    for goal in GOALS:
        if (goal.case, goal.against) == (case, against):
            return goal.at_least
    return None
