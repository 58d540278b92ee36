"""The list of what is compared with what."""

from bench.kinds import (
    THE_FASTPATH,
    Beside,
    Burn,
    Case,
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
from bench.subjects import (
    AIOHTTP,
    CADDY,
    DIRECT,
    FASTPATH,
    FEED,
    FOLDER,
    GO,
    HAPROXY,
    NGINX,
    NO_DELAY,
    NOOP,
    OURS,
    PLAIN,
    REVPROXY,
    REVPROXY_RUNSERVER,
    RUNSERVER,
    UNBUFFERED,
    UVICORN,
    VITE,
    WHITENOISE,
    WRAPPED,
    Subject,
)

GTHREAD_OURS = Subject(OURS, "gthread")
GTHREAD_NOOP = Subject(NOOP, "gthread", "/noop")
RUNSERVER_OURS = Subject(OURS, RUNSERVER)
RUNSERVER_NOOP = Subject(NOOP, RUNSERVER, "/noop")
DJANGO_REVPROXY = Subject(REVPROXY, REVPROXY)
PLAIN_NGINX = Subject(NGINX, NGINX)
ASYNC_NOOP = Subject(NOOP, UVICORN, "/async-noop")
AIOHTTP_PROXY = Subject(AIOHTTP, AIOHTTP)
FASTPATH_NOOP = Subject(OURS, FASTPATH, "/noop")

# What the fast path is compared with, for small answers, large ones and a page of many modules.
SMALL_PEERS = (NGINX, HAPROXY, CADDY, GO, VITE, REVPROXY, DIRECT)
# Vite's and Django's proxies have shown by then what they cost.
LARGE_PEERS = (NGINX, HAPROXY, CADDY, GO, DIRECT)
IDLE_PEERS = (NGINX, HAPROXY)
PAGE_PEERS = (NGINX, VITE, REVPROXY, REVPROXY_RUNSERVER, DIRECT)
CONNECTIONS = (1, 32, 128)


def peers(names: tuple[str, ...]) -> tuple[Subject, ...]:
    return tuple(Subject(name, name) for name in names)


def through_the_fastpath(path: str, size: str, compared: tuple[str, ...]) -> tuple[Small, ...]:
    """The same small answer with each number of connections."""
    return tuple(
        Small(
            name=f"fastpath-{size.replace(' ', '').lower()}-{connections}",
            title=f"the fast path, {connections} connection{'s' * (connections > 1)}, {size}",
            path=path,
            connections=connections,
            ours=THE_FASTPATH,
            others=peers(compared),
        )
        for connections in CONNECTIONS
    )


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
        name="folder-32-1k",
        title="gunicorn gthread, a folder of files, 32 connections, 1 KB",
        path="/1k",
        connections=32,
        ours=Subject(OURS, FOLDER),
        others=(Subject(WHITENOISE, WHITENOISE),),
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
            Subject("ours, runserver", RUNSERVER),
            DJANGO_REVPROXY,
            PLAIN_NGINX,
        ),
    ),
    *through_the_fastpath("/1k", "1 KB", SMALL_PEERS),
    *through_the_fastpath("/20k", "20 KB", LARGE_PEERS),
    Large(
        name="fastpath-100mb",
        title="the fast path, 100 MB down",
        upload=False,
        ours=THE_FASTPATH,
        others=peers(LARGE_PEERS),
    ),
    Large(
        name="fastpath-100mb-up",
        title="the fast path, 100 MB up",
        upload=True,
        ours=THE_FASTPATH,
        others=peers((NGINX, UNBUFFERED)),
    ),
    Large(
        name="fastpath-100mb-tls",
        title="the fast path, 100 MB down, over TLS from the upstream",
        upload=False,
        tls=True,
        ours=THE_FASTPATH,
        others=(PLAIN_NGINX,),
    ),
    Small(
        name="fastpath-close-32",
        title="the fast path, 32 connections, 1 KB, a connection to the upstream for each",
        path="/1k",
        connections=32,
        closes=True,
        ours=THE_FASTPATH,
        others=(PLAIN_NGINX,),
    ),
    Small(
        name="fastpath-1kb-feed",
        title="the fast path, 32 connections, 1 KB, with a feed of who answers",
        path="/1k",
        connections=32,
        ours=Subject(OURS, FEED),
        others=(Subject(FASTPATH, FASTPATH),),
    ),
    Small(
        name="fastpath-django",
        title="our runserver, Django's no-op view, one connection, 1 KB",
        path="/1k",
        connections=1,
        ours=FASTPATH_NOOP,
        others=(Subject(NO_DELAY, NO_DELAY, "/noop"), Subject(PLAIN, PLAIN, "/noop")),
    ),
    Page(
        name="fastpath-page",
        title="the fast path, a page of 1000 modules in Chromium",
        ours=THE_FASTPATH,
        others=peers(PAGE_PEERS),
    ),
    Burn(
        name="fastpath-burn",
        title="32 connections, 1 KB, beside a Django view that burns CPU: p99",
        path="/1k",
        connections=32,
        ours=THE_FASTPATH,
        others=(PLAIN_NGINX,),
        at_most=3.0,
    ),
    Downloads(
        name="fastpath-slow",
        title="1000 slow downloads at once",
        connections=1000,
        descriptors=4096,
        ours=THE_FASTPATH,
        others=(PLAIN_NGINX,),
        threads_at_most=12,
        megabytes_at_most=40,
    ),
    Beside(
        name="fastpath-beside",
        title="32 connections, 1 KB, beside 2000 WebSockets and 2000 event streams",
        websockets=2000,
        event_streams=2000,
    ),
    Beside(
        name="fastpath-beside-tls",
        title="32 connections, 1 KB, beside 1000 WebSockets, over TLS",
        websockets=1000,
        event_streams=0,
        tls=True,
    ),
    Streams(
        name="fastpath-streams",
        title="32 connections, 1 KB, beside more and more event streams",
        ours=THE_FASTPATH,
        others=peers(IDLE_PEERS),
    ),
    Idle(
        name="fastpath-idle-clients",
        title="4000 idle kept-alive clients",
        kind="clients",
        count=4000,
        others=peers(IDLE_PEERS),
        kilobytes_at_most=0.6,
    ),
    Idle(
        name="fastpath-idle-tunnels",
        title="1000 idle WebSockets",
        kind="websockets",
        count=1000,
        others=peers(IDLE_PEERS),
        kilobytes_at_most=20,
    ),
    Idle(
        name="fastpath-idle-tls-tunnels",
        title="500 idle WebSockets, over TLS to the upstream",
        kind="websockets",
        count=500,
        tls=True,
        others=(),
        kilobytes_at_most=55,
    ),
)
