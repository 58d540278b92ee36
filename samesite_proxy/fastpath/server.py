"""Django's own server, fed by the hand-over instead of a listening socket."""

from __future__ import annotations

import contextlib
import logging
import socket
import socketserver
import time
from typing import Any

from django.core.servers.basehttp import WSGIServer

from samesite_proxy.conf import Settings
from samesite_proxy.fastpath import project_files, table, verdicts
from samesite_proxy.fastpath.channel import BACK, CLOSED, TAKEN, Channel, Handed
from samesite_proxy.fastpath.handler import RequestHandler
from samesite_proxy.fastpath.handover import Handover
from samesite_proxy.fastpath.threads import LeaderFollowerPool
from samesite_proxy.proxy.server_timing import LISTENER

logger = logging.getLogger("samesite_proxy")

# Where Django's server has none.
FAILED = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
# After what should not have happened, before it may again.
PAUSE = 0.1


class HandoverServer(WSGIServer):
    """Django's, without a listening socket. A subclass has the class attributes."""

    handover: Handover
    settings: Settings | None
    table: table.Plain
    _channel: Channel | None

    def __init__(self, address: Any, handler: type[Any], **options: Any) -> None:
        # Django's run() names its own class.
        ours = type("RequestHandler", (RequestHandler, handler), {})
        super().__init__(address, ours, **options)

    def server_bind(self) -> None:
        """Without binding: the listener has, and what is known of its address is the same."""
        address = self.handover.address
        self.socket.close()
        self.server_address = (address.host, address.port)
        self.server_name = socket.getfqdn(address.host)
        self.server_port = address.port
        self.setup_environ()
        if self.table["debug"]:
            self.base_environ[LISTENER] = self.handover.feed_since

    def server_activate(self) -> None:
        """The listener listens."""

    def serve_forever(self, poll_interval: float = 0.5) -> None:
        """Until this process leaves."""
        self._channel = self.handover.open(self.table)
        self.handover.tell({"files": project_files.loaded()})
        self.handover.begin(None)
        try:
            if isinstance(self, socketserver.ThreadingMixIn):
                LeaderFollowerPool(self._take, self._answer).run(self._has_more)
            else:
                while (request := self._take()) is not None:
                    self._answer(request)
        finally:
            self.handover.end(None)
        if not self.handover.is_left:
            raise ConnectionError("the fast path has ended, and no request can come any more")

    def _has_more(self) -> bool:
        return self._channel is not None and self._channel.has_more()

    def _take(self) -> Handed | None:
        """The next request; None when there is none any more."""
        while (received := self._receive()) is not None:
            if isinstance(received, bytes):
                self._judge(received)
                continue
            self.handover.begin(received)
            if received.report(TAKEN):
                return received
            received.close()
            self.handover.end(received)
        return None

    def _receive(self) -> Handed | bytes | None:
        """From the channel, or from a new one if that has ended before its time."""
        while self._channel is not None:
            try:
                received = self._channel.receive()
            except Exception:
                logger.exception("Nothing can be received from the listener.")
                time.sleep(PAUSE)
                continue
            if received is not None or self._channel.is_over:
                return received
            self._channel = self.handover.open(self.table)
        return None

    def _judge(self, host: bytes) -> None:
        assert self.settings is not None  # Else there are no routes, and no questions.
        server = self.server_name, self.server_port
        sent = host.decode("latin-1")
        try:
            verdict = verdicts.verdict_on(sent, server, self.settings)
        except Exception:
            logger.exception("Whether a host is allowed is asked anew with each request.")
            verdict = verdicts.refusal_of(sent)
        self.handover.tell(verdict)

    def _answer(self, request: Handed) -> None:
        """As socketserver has it, but that the connection may go back."""
        try:
            address = request.getpeername()
            request.settimeout(None)
            self._answer_to(request, address)
        except OSError:  # The client had left before.
            request.close()
        finally:
            request.report(BACK if request.goes_back else CLOSED, request.body_sent)
            self.handover.end(request)

    def _answer_to(self, request: Handed, address: Any) -> None:
        try:
            self.finish_request(request, address)
        except (Exception, SystemExit):
            self.handle_error(request, address)
            self._say_failure(request)
        finally:
            if request.goes_back or request.is_lost:
                self.close_request(request)
            else:
                self.shutdown_request(request)

    def _say_failure(self, request: Handed) -> None:
        """No client is left without an answer: it might ask for the same again."""
        if not request.is_answered and not request.is_lost:
            with contextlib.suppress(OSError):
                request.sendall(FAILED)


def server_class(
    base: type[Any], handover: Handover, settings: Settings | None, plain: table.Plain
) -> type[WSGIServer]:
    """A server class for Django's run(), made of the one that it would take."""
    attributes = {"handover": handover, "settings": settings, "table": plain}
    return type("WSGIServer", (HandoverServer, base), attributes)
