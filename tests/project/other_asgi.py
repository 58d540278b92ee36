"""What ASGI servers load in a project whose WebSockets are dispatched by its own code."""

from __future__ import annotations

import os
from typing import Any

from django.core.asgi import get_asgi_application

from samesite_proxy.asgi import wrap

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.project.settings")
django_application = get_asgi_application()


async def dispatch(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] != "websocket":
        await django_application(scope, receive, send)
        return
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": f"own {scope['path']}"})
    await receive()


application = wrap(dispatch)
