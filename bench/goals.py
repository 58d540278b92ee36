"""What we want of the figures, by case and by whom it is compared with."""

from dataclasses import dataclass

from bench.subjects import (
    AIOHTTP,
    DIRECT,
    NGINX,
    NO_DELAY,
    NOOP,
    PLAIN,
    REVPROXY,
    UNBUFFERED,
    WHITENOISE,
)


@dataclass(frozen=True)
class Goal:
    """How many times the rate of another we want to reach at least, or its p99 at most."""

    case: str
    against: str
    value: float
    measure: str = "rate"

    def __str__(self) -> str:
        return f"≥ {self.value:.2f}" if self.measure == "rate" else f"{self.measure} ≤ {self.value}"


# A round trip, or a page, of at most 1.1 times the other's.
TIME = 1 / 1.1

GOALS = (
    Goal("gthread-32-1k", NOOP, 0.65),
    Goal("gthread-32-1k", REVPROXY, 2.5),
    Goal("runserver-8-1k", NOOP, 0.8),
    Goal("wrapped-32-1k", NOOP, 1.0),
    Goal("folder-32-1k", WHITENOISE, 1.0),
    Goal("uvicorn-32-1k", NOOP, 6.0),
    Goal("uvicorn-32-1k", AIOHTTP, 2.5),
    Goal("echo-runserver", NGINX, TIME),
    Goal("echo-gthread", NGINX, TIME),
    Goal("100m-down", NGINX, 1.0),
    Goal("100m-up", NGINX, 1.0),
    Goal("fastpath-1kb-1", NGINX, 0.9),
    Goal("fastpath-1kb-32", NGINX, 0.6),
    Goal("fastpath-1kb-128", NGINX, 2.0, "p99"),
    Goal("fastpath-100mb", NGINX, 1.3),
    Goal("fastpath-100mb-up", NGINX, 1.3),
    Goal("fastpath-100mb-up", UNBUFFERED, 0.4, "cpu"),
    Goal("fastpath-100mb-tls", NGINX, 1.2),
    Goal("fastpath-100mb-tls", NGINX, 0.75, "cpu"),
    Goal("fastpath-close-32", NGINX, 1.4, "cpu"),
    Goal("fastpath-django", NO_DELAY, 0.75),
    Goal("fastpath-django", PLAIN, 100.0),
    Goal("fastpath-page", NGINX, 1.0),
    Goal("fastpath-page", DIRECT, TIME),
)


def goal_for(case: str, against: str) -> Goal | None:
    """Return the goal for one comparison, if there is one."""
    for goal in GOALS:
        if (goal.case, goal.against) == (case, against):
            return goal
    return None
