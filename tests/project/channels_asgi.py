"""What ASGI servers load in a project with Channels: ours around its router."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.project.settings")

from channels.generic.http import AsyncHttpConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from channels.sessions import SessionMiddlewareStack
from django.core.asgi import get_asgi_application
from django.urls import path, re_path

from samesite_proxy.asgi import wrap


class Greeter(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Says whose it is, and echoes."""

    async def connect(self) -> None:
        await self.accept()
        await self.send(text_data=f"Django {self.scope['path']}")

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.send(text_data=text_data, bytes_data=bytes_data)


class Poll(AsyncHttpConsumer):  # type: ignore[misc]
    """Says whose it is, once."""

    async def handle(self, body: bytes) -> None:
        await self.send_response(200, f"Channels {self.scope['path']}".encode())


nested = URLRouter([path("room/<int:number>/", Greeter.as_asgi())])
routes = URLRouter([re_path(r"^chat/$", Greeter.as_asgi()), path("rooms/", nested)])
polls = URLRouter([path("", Poll.as_asgi())])
rest = re_path(r"", get_asgi_application())
application = wrap(
    ProtocolTypeRouter(
        {
            "http": SessionMiddlewareStack(URLRouter([path("poll/", polls), rest])),
            "websocket": AllowedHostsOriginValidator(SessionMiddlewareStack(routes)),
        }
    )
)
