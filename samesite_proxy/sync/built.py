"""A built frontend's files on their way to a WSGI server."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, StreamingHttpResponse

from samesite_proxy._engine import WEBSOCKET
from samesite_proxy.built.answer import answer_of
from samesite_proxy.built.files import Files
from samesite_proxy.built.opened import OpenFile
from samesite_proxy.conf import Frontend
from samesite_proxy.proxy import errors, refusals, targets
from samesite_proxy.proxy.allowed_hosts import known_hosts
from samesite_proxy.proxy.errors import Refused
from samesite_proxy.proxy.incoming import PIECE, SAFE
from samesite_proxy.proxy.response import Body, FrontendResponse, StreamedResponse
from samesite_proxy.sync.answer import break_off, then_discard
from samesite_proxy.sync.environ import body_length_of
from samesite_proxy.types import Environ


class FileBody:
    """What is to be sent of an open file, which is closed with it. Some servers take it for the
    file itself (wsgi.file_wrapper)."""

    def __init__(
        self, file: OpenFile, client: socket.socket | None, environ: Environ, name: str
    ) -> None:
        self._file = file
        self._is_sent_by_system = False
        self._client, self._environ, self._name = client, environ, name

    def _break_off(self, error: OSError) -> None:
        break_off(error, self._client, self._environ, self._name)

    def read(self, size: int) -> bytes:
        try:
            return self._file.read(size)
        except OSError as error:
            self._break_off(error)
            return b""

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read(PIECE):
            yield piece

    def fileno(self) -> int:
        """For sendfile(2), which says nothing of a file that has become shorter."""
        self._is_sent_by_system = True
        return self._file.fileno()

    def close(self) -> None:
        if self._file.closed:
            return
        if self._is_sent_by_system and self._file.has_changed():
            self._break_off(OSError("a file of the frontend's changed while it was sent"))
        self._file.close()


class FileResponse(FrontendResponse):
    """A whole file, that Django's handler gives to the server as a file (wsgi.file_wrapper), unless
    a middleware has put another content in its place."""

    file_to_stream: FileBody | None = None
    block_size = PIECE

    @property
    def streaming_content(self) -> Any:
        return super().streaming_content

    @streaming_content.setter
    def streaming_content(self, content: Any) -> None:
        self.file_to_stream = None
        StreamingHttpResponse.streaming_content.fset(self, content)  # type: ignore[union-attr]


class BuiltFrontend:
    """One folder."""

    def __init__(self, frontend: Frontend) -> None:
        assert frontend.folder is not None
        self._files = Files(frontend.folder, frontend.prefix)
        self._host_of = known_hosts()

    def _host(self, request: HttpRequest) -> str:
        if self._host_of is None or type(request) is not WSGIRequest:
            return request.get_host()
        environ = request.META
        server = environ["SERVER_NAME"], environ["SERVER_PORT"]
        return self._host_of(environ["wsgi.url_scheme"], *server, environ.get("HTTP_HOST"))

    def answer(
        self, request: HttpRequest, client: socket.socket | None, upgrade: int
    ) -> StreamedResponse:
        is_target_refused = targets.has_refused(request)
        refusals.host_by(lambda: self._host(request), is_target_refused=is_target_refused)
        if upgrade == WEBSOCKET:
            raise Refused(errors.FILE_MISSING)
        body_length_of(request.META)  # A body that nobody reads would be the next request.
        answer = answer_of(self._files, request)
        if answer.file is None:
            body: Body = [answer.text] if answer.text else []
            if request.method not in SAFE:
                body = then_discard(b"", request.META, client)
            return FrontendResponse(answer.status, answer.reason, answer.fields, body)
        name = f"{request.method} {request.path}"
        file = FileBody(answer.file, client, request.META, name)
        response = FileResponse(answer.status, answer.reason, answer.fields, file)
        if answer.is_whole_file and client is not None and not isinstance(client, ssl.SSLSocket):
            response.file_to_stream = file
        return response
