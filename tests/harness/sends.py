"""Processes whose engine cannot send all at once: see sends.c."""

from __future__ import annotations

import ctypes


def follow(schedule: str) -> None:
    """In such a process: from here on."""
    ctypes.CDLL(None).sends_follow(schedule.encode())
