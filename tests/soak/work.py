"""The requests of one client, one after the other, and what is right about their answers."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from urllib.parse import urlencode

from tests.soak.client import PLACES, Answer, Client, Request
from tests.soak.identity import DJANGO, FRONTEND, answer_to, checksum, seen_by, upload_of
from tests.soak.verdict import Verdict

SECONDS = 40.0
ABORTS = 0.05
CUTS = 0.02

# Of ten requests so many are the frontend's, and of a hundred so many bring a body.
FRONTENDS = 0.7
UPLOADS = 0.2


@dataclass(frozen=True)
class Page:
    """One request and the answer that it must get."""

    number: int
    side: str
    method: str
    user: str
    size: int
    is_chunked: bool
    upload: bytes | None
    is_upload_chunked: bool
    cut: int

    @property
    def what(self) -> str:
        return f"{self.method} to {self.side}"

    def target(self) -> str:
        place = "/api/page" if self.side == DJANGO else "/page"
        query = {"size": self.size, "chunked": int(self.is_chunked), "cut": self.cut}
        return f"{place}/{self.number}/?{urlencode(query)}"

    def received(self) -> str:
        return checksum(self.upload or b"")

    def fields(self) -> dict[str, str]:
        return {
            "x-identity": str(self.number),
            "x-side": self.side,
            "x-received": self.received(),
            "x-user": self.user,
        }

    def body(self) -> bytes:
        if self.method == "HEAD":
            return b""
        return answer_to(self.number, self.side, self.received(), self.size)


def some_size() -> int:
    """Most are small, some take long, and cross inside the kernel."""
    most = random.choices((2_000, 16_000, 200_000, 1_000_000), (60, 25, 10, 5))[0]
    return random.randrange(most)


def some_page(verdict: Verdict, user: str) -> Page:
    is_upload = random.random() < UPLOADS
    side = FRONTEND if random.random() < FRONTENDS else DJANGO
    method = (
        random.choice(("POST", "PUT")) if is_upload else random.choice(("GET",) * 9 + ("HEAD",))
    )
    number = verdict.next_number(is_repeatable=method != "POST")
    size = some_size()
    is_cut = side == FRONTEND and method != "HEAD" and size > 1 and random.random() < CUTS
    return Page(
        number=number,
        side=side,
        method=method,
        user=user,
        size=size,
        is_chunked=random.random() < 0.4,
        upload=upload_of(number, some_size()) if is_upload else None,
        # Django has no say in it: WSGI servers that cannot read one say so.
        is_upload_chunked=side == FRONTEND and random.random() < 0.5,
        cut=random.randrange(1, size) if is_cut else 0,
    )


def differences(page: Page, answer: Answer) -> str:
    """What of a whole answer is not as it must be."""
    told = {name: answer.fields.get(name, "") for name in page.fields()}
    if told != page.fields():
        return f"{told} instead of {page.fields()}"
    if not answer.fields.get("set-cookie", "").startswith(
        f"seen={seen_by(page.user, page.number)};"
    ):
        return f"the cookie is another's: {answer.fields.get('set-cookie')}"
    if answer.body != page.body():
        return f"the body is another: {len(answer.body)} bytes for {page.size}"
    return ""


def judge(verdict: Verdict, page: Page, answer: Answer, since: float) -> None:
    if answer.has_left:
        verdict.faults["aborts"] += 1
    elif page.cut and answer.status == 200:
        verdict.faults["cuts"] += 1
        if answer.is_whole:
            verdict.fail("wrong", f"{page.what} {page.number} was cut, and seems whole")
    elif not answer.is_whole or answer.status != 200:
        words = answer.broken or f"{answer.status} {bytes(answer.body[:200])!r}"
        is_djangos = page.side == DJANGO
        verdict.lose(page.what, page.number, since, words, is_djangos=is_djangos)
    elif difference := differences(page, answer):
        verdict.fail("wrong", f"{page.what} {page.number}: {difference}")
    else:
        verdict.done["whole"] += 1
        verdict.is_answered(page.number)


async def ask_once(verdict: Verdict, client: Client, user: str, cookie: str) -> None:
    page = some_page(verdict, user)
    leaves = random.choice(PLACES) if random.random() < ABORTS else ""
    request = Request(
        page.method, page.target(), cookie, page.upload, page.is_upload_chunked, leaves
    )
    since = time.monotonic()
    answer = await client.ask(request, SECONDS)
    judge(verdict, page, answer, since)
