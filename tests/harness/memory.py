"""The resident memory of a server's processes."""

from __future__ import annotations

from pathlib import Path

MIB = 1 << 20


def _kib_of(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise LookupError(name)


class PeakMemory:
    """The peak of some processes over what they have now, in bytes."""

    def __init__(self, pids: list[int]) -> None:
        self._pids = pids
        for pid in pids:
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # The peak begins anew.
        self._before = sum(_kib_of(pid, "VmRSS") for pid in pids)

    def growth(self) -> int:
        return (sum(_kib_of(pid, "VmHWM") for pid in self._pids) - self._before) * 1024
