"""Whether a wheel's tag and its extension's file name say the same."""

from __future__ import annotations

from pathlib import Path


def misfit(tag: tuple[str, str, str], file: str) -> str | None:
    """Why a wheel with this tag (Python, ABI, platform) must not hold a file of this name: a Python
    that the tag invites would not look for it, or it is of another ABI."""
    python, abi, _ = tag
    suffix = Path(file).name.partition(".")[2]
    if abi == "abi3":
        fits = suffix == "abi3.so"
    else:
        # Such as cp313t, and cpython-313t-x86_64-linux-gnu.so.
        fits = suffix.startswith(f"{abi.replace('cp', 'cpython-', 1)}-")
    return None if fits else f"a wheel tagged {python}-{abi} cannot hold {Path(file).name}"
