"""What a server's whole process tree has used: CPU time and memory, read from /proc."""

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")

# Positions in /proc/<pid>/stat, counted from the field after the command's name (proc(5)).
PARENT = 1
CPU_TIMES = slice(11, 15)


def stat(pid: str) -> list[str]:
    """Return the fields after the name, which stands in brackets and may hold spaces."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def tree(root: int) -> list[int]:
    """List the process and everything below it."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int(stat(entry.name)[PARENT])
            except (FileNotFoundError, ProcessLookupError):
                continue
    found = [root]
    for pid in found:
        found.extend(child for child, parent in parents.items() if parent == pid)
    return found


def cpu_seconds(root: int) -> float:
    """Add up user and system time; children that ended are counted by their parent."""
    return sum(int(field) for pid in tree(root) for field in stat(str(pid))[CPU_TIMES]) / TICKS


def status_field(pid: int, name: str) -> int:
    """Read one number from /proc/<pid>/status; memory is in KiB there."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    raise RuntimeError(f"/proc/{pid}/status has no {name}")


def resident_bytes(root: int) -> int:
    """Add up what the processes hold now."""
    return sum(status_field(pid, "VmRSS") for pid in tree(root)) * 1024


def threads(root: int) -> int:
    """Count the threads of all processes."""
    return sum(status_field(pid, "Threads") for pid in tree(root))


def forget_peak(root: int) -> None:
    """Let the kernel's high-water mark of each process begin again at what it holds now."""
    for pid in tree(root):
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_bytes(root: int) -> int:
    """Add up the most that each process has held since its mark was reset."""
    return sum(status_field(pid, "VmHWM") for pid in tree(root)) * 1024
