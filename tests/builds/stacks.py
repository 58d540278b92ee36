"""Gives the threads of a forked child stacks that none of its parent's had.

The sanitizer of threads knows a thread by the address of its stack, and goes on to count those of
the parent in a child, where the C library uses their stacks again: it would end the child, whatever
its threads do. Stacks that are larger than all before are new ones.
"""

from __future__ import annotations

import ctypes
import os

STEP = 64 * 1024


def enlarge() -> None:
    c_library = ctypes.CDLL(None)
    attributes = ctypes.create_string_buffer(64)  # A pthread_attr_t, the largest that glibc has.
    size = ctypes.c_size_t()
    c_library.pthread_getattr_default_np(attributes)
    c_library.pthread_attr_getstacksize(attributes, ctypes.byref(size))
    c_library.pthread_attr_setstacksize(attributes, ctypes.c_size_t(size.value + STEP))
    c_library.pthread_setattr_default_np(attributes)


def follow_forks() -> None:
    os.register_at_fork(after_in_child=enlarge)
