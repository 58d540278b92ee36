"""An answer that breaks off under ASGI."""

from __future__ import annotations

import asyncio

from django.core.exceptions import RequestAborted


class BrokenOff(asyncio.CancelledError, RequestAborted):
    """What Django's handler takes for a client's leaving: it ends without the answer's end, at
    which servers break the connection, and without a traceback. Up to Django 6.0 that is a
    CancelledError; from 6.1 on, where it runs in a task group, a RequestAborted.
    """
