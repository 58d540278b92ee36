"""The shapes that requests and answers have between modules, servers and applications."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

# A message's fields in their order, repeated ones and all.
Fields = list[tuple[str, str]]

# WSGI's (PEP 3333).
Environ = dict[str, Any]

# ASGI's.
Scope = Mapping[str, Any]
Event = dict[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]
