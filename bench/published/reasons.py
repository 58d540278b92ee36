"""Why we lose where we lose, by case, by whom, and by what: the first line that fits is taken."""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from bench.subjects import AIOHTTP, DIRECT, GO, HAPROXY, NGINX, NO_DELAY, NOOP, REVPROXY, WHITENOISE

# These have no proxy in them: what is over 1 is what forwarding costs.
NOT_PROXIES = (DIRECT, NOOP, NO_DELAY)

PYTHON = (
    "Each request passes Python here, the server's and Django's, against C alone."
    " The fast path is for that."
)
SAME_CALLS = (
    "Both make the same system calls for a request; what is left are the fields that we read"
    " strictly and write anew, and the noise of two cores."
)
COUNTED = (
    "A connection that has rested for 4 s is not used again (Node closes its own after 5 s), and"
    " the others' turns last longer than that."
)
PAUSES = (
    "wrk counts a pause as all the requests that it would have sent meanwhile, so that 20 ms in"
    " which a core did something else are 1 % of 2 s: whoever met the longer one is behind."
)
ALONE = (
    " One connection's requests, each timed by itself at a priority at which nothing else ran, had"
    " a p99 of 0.17 ms through us, and of 0.30 ms through Go's."
)

REASONS = (
    ("*", DIRECT, "*", "Nothing stands between: this is the price of any server on the way."),
    (
        "fastpath-django",
        NO_DELAY,
        "*",
        "The engine accepts Django's connections too: it reads each head, passes the connection to"
        " Django and takes it back.",
    ),
    ("*", NOOP, "*", "That view forwards nothing: what is over 1 is the forwarding itself."),
    ("*", "*", "connections", COUNTED),
    ("fastpath-1kb-1", GO, "p99*", PAUSES + ALONE),
    ("fastpath-*", "*", "p99*", PAUSES),
    ("fastpath-1kb-*", NGINX, "*", SAME_CALLS),
    ("fastpath-1kb-*", HAPROXY, "*", SAME_CALLS),
    ("fastpath-20kb-*", NGINX, "*", SAME_CALLS),
    ("fastpath-20kb-*", HAPROXY, "*", SAME_CALLS),
    ("fastpath-close-*", NGINX, "*", "A new connection for each goes through libcurl's connector."),
    (
        "fastpath-100mb-tls",
        NGINX,
        "*",
        "Under TLS nothing can be moved inside the kernel: both decrypt and copy, with OpenSSL.",
    ),
    (
        "fastpath-100mb*",
        "*",
        "*",
        "The load, the upstream and the kernel's copies are the larger part of the time.",
    ),
    ("fastpath-page", "*", "*", "Chromium and Vite, on one core, take most of a load's time."),
    (
        "fastpath-slow",
        NGINX,
        "threads",
        "Django's process has its own threads beside the engine's; nginx has a process more.",
    ),
    (
        "fastpath-slow",
        NGINX,
        "*",
        "nginx moves what its readers have not taken to temporary files; we keep a bounded part of"
        " it in memory, and write no files.",
    ),
    (
        "slow-reader",
        REVPROXY,
        "*",
        "It reads on when it has written what it had; we read ahead, as far as a bound.",
    ),
    (
        "slow-reader",
        "*",
        "*",
        "What is held for a slow reader is bounded; nginx keeps the rest in temporary files.",
    ),
    ("fastpath-idle-clients", "*", "*", "We keep a little more of a client that rests."),
    ("fastpath-burn", NGINX, "*", "The view computes in the process that also serves the door."),
    (
        "folder-*",
        WHITENOISE,
        "*",
        "A file that was built anew is seen at once, by a look at it for each request; WhiteNoise"
        " has read its folder at the start.",
    ),
    ("gthread-1-*", REVPROXY, "p99*", PAUSES),
    ("uvicorn-*", AIOHTTP, "*", "Both are Python for each request."),
    ("*-up", REVPROXY, "*", "Both are Python for each request."),
    ("echo-*", NGINX, "*", "Two sockets and one core in both: what is left is small."),
    ("*", NGINX, "*", PYTHON),
)

UNKNOWN = "Not explained yet."


def reason_for(case: str, against: str, measures: Sequence[str]) -> str:
    """Find what explains each of the measures that are worse, each text once."""
    found: dict[str, None] = {}
    for worse in measures:
        for pattern, other, measure, text in REASONS:
            if all(map(fnmatchcase, (case, against, worse), (pattern, other, measure))):
                found[text] = None
                break
        else:
            found[UNKNOWN] = None
    return " ".join(found)
