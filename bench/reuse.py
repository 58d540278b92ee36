"""How many connections a proxy opens to the upstream, as nginx there counts them."""

from dataclasses import replace
from typing import NamedTuple

from bench.results import Sample
from bench.servers import Server


class Counts(NamedTuple):
    """Since nginx started."""

    connections: int
    requests: int


def counts_of(upstream: Server) -> Counts:
    """Ask nginx, by one request on a connection of its own, which it counts too."""
    connection = upstream.connection()
    try:
        connection.request("GET", "/counts")
        accepted, _, requests = connection.getresponse().read().split(b"\n")[2].split()
        return Counts(int(accepted), int(requests))
    finally:
        connection.close()


def counting(sample: Sample, before: Counts, after: Counts) -> Sample:
    """Add the connections for 1000 requests, where most of these came to the upstream."""
    if after.requests - before.requests < sample.requests / 2:
        return sample
    opened = after.connections - before.connections - 1  # The one that asks is counted too.
    return replace(sample, connections=opened / sample.requests * 1000)
