"""Attacks put together at random, through the fast path, for so long.

python -m tests.adversary [MINUTES [SEED]]     the seed is told, and brings the same attacks again
"""

from __future__ import annotations

import contextlib
import os
import random
import sys
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.project.settings")

from tests.adversary.framings import AFTER, HIDDEN, LEGAL, REFUSED, Attack
from tests.adversary.poisons import AMBIGUOUS, BROKEN_CHUNKS, FOLLOWED, POISON
from tests.adversary.ways import hear_bytes, victim_is_answered_right
from tests.adversary.witness import Witness, answer_of
from tests.harness.http_requests import Request
from tests.harness.raw_client import Broken
from tests.traffic.stage import Stage, request

POISONS = [*AMBIGUOUS, *FOLLOWED, *BROKEN_CHUNKS]
EVERY_SECONDS = 10
BEFORE = request("GET", "/before")
FREED = b"/hidd2n"
assert len(FREED) == len(HIDDEN)


def changed(rng: random.Random, sent: bytes) -> bytes:
    """With some bytes of it gone, doubled, or others."""
    data = bytearray(sent)
    for _ in range(rng.choice((0, 0, 1, 1, 2, 4))):
        place = rng.randrange(len(data))
        odd = rng.choice(b"\r\n\0 \t\x0b:;,0+-x_\x80\xff")
        match rng.randrange(4):
            case 0:
                data[place] = odd
            case 1:
                data.insert(place, odd)
            case 2:
                del data[place]
            case _:
                data[place:place] = data[place : place + rng.randrange(1, 20)]
        data = data or bytearray(b"\r\n")
    return bytes(data)


def poisoned(request: Request) -> bytes:
    """By the target; of any other it is a witness."""
    _, is_poison, number = request.target.rpartition("/poison-")
    if is_poison and number.isdecimal() and int(number) < len(POISONS):
        return POISONS[int(number)].said
    return answer_of(request)


class Failed(Exception):
    """What was sent, and what came of it."""


class Attacker:
    """One run: what comes of each attack is looked at before the next one."""

    def __init__(self, stage: Stage, seed: int) -> None:
        self._stage = stage
        self._rng = random.Random(seed)
        self._witness = Witness(poisoned)
        stage.play(self._witness)
        self.count = 0

    def _smuggle(self) -> bytes:
        """Only what is refused as it stands may be changed: a legal one could become two."""
        attack: Attack = self._rng.choice(REFUSED + LEGAL)
        before = BEFORE * self._rng.randrange(3)
        sent = before + attack.sent + AFTER
        heard = self._send_in_pieces(sent)
        if f"GET {HIDDEN}".encode() in heard or HIDDEN in self._targets():
            raise Failed(f"{attack.name}: {sent!r}: {heard[:500]!r}")
        return sent

    def _change(self) -> bytes:
        """What comes of it is open; but the frontend can read all that it gets, and so can we. What
        it hides may well become a request of its own, and arrive late: it has its own name.
        """
        attack: Attack = self._rng.choice(REFUSED + LEGAL)
        sent = changed(self._rng, attack.sent.replace(HIDDEN.encode(), FREED)) + AFTER
        self._send_in_pieces(sent)
        self._targets()
        return sent

    def _poison(self) -> bytes:
        number = self._rng.randrange(len(POISONS))
        sent = request(POISONS[number].method, f"/poison-{number}") * self._rng.randrange(1, 4)
        heard = self._send_in_pieces(sent + AFTER)
        self._targets()
        if POISON in heard:
            raise Failed(f"{POISONS[number].name}: {heard[:500]!r}")
        return sent

    def _targets(self) -> set[str]:
        return {seen.target for seen in self._witness.arrived()}

    def _send_in_pieces(self, sent: bytes) -> bytes:
        cuts = sorted(self._rng.randrange(len(sent)) for _ in range(self._rng.choice((0, 0, 1, 3))))
        if not cuts:
            return hear_bytes(self._stage, sent)
        with self._stage.client() as client, contextlib.suppress(OSError, Broken):
            for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True):
                client.send(sent[start:end])
                if self._rng.random() < 0.05:
                    client.reset()
                    return b""
            client.sock.settimeout(2)
            return client.read_to_end()
        return b""

    def attack(self) -> None:
        kind = self._rng.choice((self._smuggle, self._change, self._poison))
        sent = kind()
        self.count += 1
        if not victim_is_answered_right(self._stage):
            raise Failed(f"a victim of {sent!r}")


def main(minutes: str = "1", seed: str = "") -> None:
    number = int(seed or random.SystemRandom().randrange(2**32))
    print(f"adversary: {minutes} minutes, seed {number}", flush=True)
    start = said = time.monotonic()
    with contextlib.closing(Stage("fastpath", {}, {})) as stage:
        attacker = Attacker(stage, number)
        while (now := time.monotonic()) < start + float(minutes) * 60:
            attacker.attack()
            if now > said + EVERY_SECONDS:
                said = now
                print(f"{now - start:6.0f} s  {attacker.count} attacks held", flush=True)
        assert "Traceback" not in stage.log(), stage.log()[-5000:]
    print(f"adversary: {attacker.count} attacks, none got through (seed {number})")


if __name__ == "__main__":
    main(*sys.argv[1:])
