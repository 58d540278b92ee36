"""In which form a client is told of a failure: the listener, in C, says what Python says."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from samesite_proxy.proxy.error_page import Form, form_for

ROOT = Path(__file__).parents[2]
HEADS = 10_000

# By the number of enum sp_form in csrc/wire/accept.h.
FORMS = [Form.LINE, Form.PAGE, Form.JSON]

KINDS = [
    *["text/html", "application/json"] * 3,
    *("Text/HTML", "APPLICATION/JSON", "*/*", "text/*"),
    *("application/*", "text/plain", "text/htmlx", "text/ html", "application/json+ld", ""),
]
WEIGHTS = [
    *("q=0", "q=0.", "q=0.0", "q=0.000", "q=0.001", "q=0.5", "q=0.50", "q=0.500", "q=0.51"),
    *("q=0.9", "q=.9", "q=0.5000", "q=1", "q=1.0", "q=1.000", "q=1.5", "q=2", "q=00", "q=-0"),
    *("q=0,5", "q=0.5x", "q=", "q", "q =0", "q= 0", "Q=0.4", 'q="0.3"', "q=0e1", "q=\xb2", "q=inf"),
]
PARAMETERS = ["level=1", 'charset="a;q=0.1"', "v=b3", "", "qq=0.1", "=", "xq=0"]
BLANKS = ["", "", "", " ", "\t", " \t ", "\xa0", "\x85"]  # The last two are none in HTTP.


def item(chance: random.Random) -> str:
    parts = [chance.choice(KINDS)]
    for _ in range(chance.choice((0, 1, 1, 2, 3))):
        parts.append(chance.choice(WEIGHTS if chance.random() < 0.7 else PARAMETERS))
    padded = [chance.choice(BLANKS) + part + chance.choice(BLANKS) for part in parts]
    return ";".join(padded)


def broken(value: str, chance: random.Random) -> str:
    """With a byte or two changed, taken away or put in."""
    for _ in range(chance.choice((0, 0, 0, 1, 2))):
        place = chance.randrange(len(value) + 1)
        put = chance.choice(
            ["", chance.choice(',;=q.01"* \t/'), chr(chance.randrange(0x80, 0x100))]
        )
        value = value[:place] + put + value[place + chance.choice((0, 1)) :]
    return value


def accepts(seed: int) -> list[str]:
    """The values of a head's Accept fields."""
    chance = random.Random(seed)
    fields = [
        [item(chance) for _ in range(chance.randrange(4))]
        for _ in range(chance.choice((0, 1, 1, 1, 2)))
    ]
    return [broken(",".join(items), chance) for items in fields]


def head_of(method: str, values: list[str]) -> bytes:
    lines = [f"{method} / HTTP/1.1", "Host: a", *(f"Accept: {value}" for value in values)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program: Path = tmp_path_factory.mktemp("accept") / "read_accept"
    sources = [ROOT / "tests/c/read_accept.c", *sorted((ROOT / "csrc/wire").glob("*.c"))]
    compiler = shutil.which("gcc") or "cc"
    options = ["-std=c11", "-O1", "-fsanitize=address,undefined", f"-I{ROOT / 'csrc'}"]
    subprocess.run([compiler, *options, *sources, "-o", program], check=True)
    return program


def test_listener_and_python_agree_on_each_of_many_heads(reader: Path) -> None:
    asked = [(("GET", "POST", "HEAD")[seed % 3], accepts(seed)) for seed in range(HEADS)]
    sent = b"".join(head_of(*each) for each in asked)
    said = subprocess.run([reader], input=sent, capture_output=True, check=True).stdout
    found = [FORMS[int(number)] for number in said.split()]
    ours = [form_for(method, ",".join(values)) for method, values in asked]
    assert {form: found.count(form) > HEADS / 50 for form in Form} == dict.fromkeys(Form, True)
    differing = [each for each, one, other in zip(asked, found, ours, strict=True) if one != other]
    assert differing[:5] == []
