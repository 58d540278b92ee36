"""Django's runserver as it would be with TCP_NODELAY."""

import socket
from typing import Any

from django.core.management.commands import runserver
from django.core.servers.basehttp import WSGIServer


class NoDelayServer(WSGIServer):
    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection, address


class Command(runserver.Command):
    server_cls = NoDelayServer
