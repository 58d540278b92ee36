"""Lists and dicts that are given to the engine, and changed before it has read them."""

from __future__ import annotations

import pytest

from tests.engine.test_processes import result_of


@pytest.mark.parametrize("of", ["descriptors", "failures", "words", "views"])
def test_argument_that_empties_what_holds_it_is_read_as_it_was(of: str) -> None:
    assert result_of(of, programs="argument_programs") == ["read"]
