"""Each seeded fault has its place in the code, and the tests that are to notice it are there.

What comes of them is for `make faults` to say, which takes longer than all of this folder.
"""

from __future__ import annotations

from tests.faults.__main__ import ROOT, faults


def test_each_fault_has_one_place() -> None:
    found = {fault.name: (ROOT / fault.file).read_text().count(fault.old) for fault in faults()}
    assert len(found) == len(faults())
    assert [name for name, count in found.items() if count != 1] == []


def test_each_fault_names_tests_that_are_there() -> None:
    for fault in faults():
        assert bool(fault.tests) != fault.soak, fault.name
        for test in fault.tests:
            path, _, function = test.partition("::")
            assert f"def {function}(" in (ROOT / path).read_text() or not function, test
