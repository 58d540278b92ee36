"""Each system check has what triggers it, and something near that does not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from samesite_proxy.checks import LOGIN_REQUIRED
from samesite_proxy.proxy.place import NAME
from tests.unit.test_checks import ids

HERE = Path(__file__).parent
ERRORS = HERE.parents[1] / "docs" / "errors.md"


def proxy(**keys: Any) -> dict[str, Any]:
    return {"SAMESITE_PROXY": keys}


# By id: settings that trigger it, and some that are near and do not.
PAIRS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "E001": ({"SAMESITE_PROXY": ["FRONTEND"]}, proxy()),
    "E002": (proxy(FRONTENDS="http://localhost:1"), proxy(FRONTEND="http://localhost:1")),
    "E003": (proxy(FRONTEND="localhost:3000"), proxy(FRONTEND="http://localhost:3000")),
    "E004": (proxy(DJANGO_PATHS="/api"), proxy(DJANGO_PATHS=["/api"])),
    "E005": (proxy(HOST_HEADER="a b"), proxy(HOST_HEADER="frontend.example:3000")),
    "E006": (proxy(FRONTEND_NAMES="a"), proxy(FRONTEND_NAMES=["a.internal"])),
    "E007": (proxy(CONNECT_TIMEOUT=0), proxy(CONNECT_TIMEOUT=0.5)),
    "E008": (proxy(RESPONSE_TIMEOUT="60"), proxy(RESPONSE_TIMEOUT=60)),
    "E009": (proxy(IDLE_TIMEOUT=-1), proxy(IDLE_TIMEOUT=1)),
    "E010": (proxy(MAX_CONNECTIONS=0), proxy(MAX_CONNECTIONS=300)),
    "E011": (proxy(CA_FILE="/none.pem"), proxy(CA_FILE=None)),
    "E012": (proxy(TRUSTED_PROXIES=["nobody"]), proxy(TRUSTED_PROXIES=["10.0.0.0/8", "unix"])),
    "E013": (proxy(IN_TESTS="yes"), proxy(IN_TESTS=True)),
    "E014": (proxy(COMMAND=3), proxy(COMMAND="npm run dev")),
    "W001": (proxy(MAX_CONNECTIONS=10), proxy(MAX_CONNECTIONS=256)),
    "W003": ({"MIDDLEWARE": [NAME, LOGIN_REQUIRED]}, {"MIDDLEWARE": [NAME]}),
    "I002": ({"MIDDLEWARE": []}, {"MIDDLEWARE": [NAME]}),
}


@pytest.mark.parametrize("check", PAIRS)
def test_check_is_triggered_by_one_and_not_by_the_other(check: str) -> None:
    wrong, right = PAIRS[check]
    assert check in ids(**wrong)
    assert check not in ids(**right)


def test_each_check_has_its_pair_here_or_in_the_tests_of_what_it_looks_at() -> None:
    documented = set(re.findall(r"^\| `samesite_proxy\.([EWI]\d{3})` \|", ERRORS.read_text(), re.M))
    others = [path for path in HERE.parent.rglob("test_*.py") if path != Path(__file__)]
    tested = "".join(path.read_text() for path in others)
    elsewhere = set(re.findall(r"\b(?:samesite_proxy\.)?([EWI]\d{3})\b", tested))
    assert documented - elsewhere <= set(PAIRS) <= documented
