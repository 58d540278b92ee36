"""A server under load for long, with faults put in: nothing may be wrong, lost, doubled or leak.

python -m tests.soak [--minutes 30] [--way runserver] [--rate 250] [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.soak.report import text_of, write_json
from tests.soak.run import Plan, soak
from tests.soak.servers import WAYS


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="how long there is load")
    parser.add_argument("--way", choices=WAYS, default=WAYS[0], help="the way in")
    parser.add_argument("--rate", type=float, default=250.0, help="requests a second at most")
    parser.add_argument("--save-every", type=float, default=10.0, metavar="SECONDS")
    parser.add_argument("--restart-every", type=float, default=60.0, metavar="SECONDS")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    told = parse(arguments)
    plan = Plan(told.way, told.minutes * 60, told.rate, told.save_every, told.restart_every)
    with tempfile.TemporaryDirectory(prefix="samesite-proxy-soak-") as folder:
        outcome = asyncio.run(soak(plan, Path(folder)))
    print(text_of(outcome), flush=True)
    if told.json is not None:
        write_json(outcome, told.json)
    return 0 if outcome.is_good() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
