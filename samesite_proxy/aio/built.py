"""A built frontend's files in an event loop, which waits for no disk: a thread reads them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from threading import Lock

from django.http import HttpRequest

from samesite_proxy.aio.broken import BrokenOff
from samesite_proxy.aio.scope import body_length_of, loses_body, received_in_scope, scope_of
from samesite_proxy.built.answer import Answer, answer_of
from samesite_proxy.built.files import Files
from samesite_proxy.built.opened import OpenFile
from samesite_proxy.conf import Frontend
from samesite_proxy.proxy import refusals, targets
from samesite_proxy.proxy.failures import log_broken
from samesite_proxy.proxy.incoming import PIECE
from samesite_proxy.proxy.response import FrontendResponse, StreamedResponse


class FileBody:
    """The bytes that have been read, and those of an open file, which is closed with it."""

    def __init__(self, answer: Answer, name: str) -> None:
        self._answer = answer
        self._name = name
        # A task that is cancelled leaves its thread reading, and the descriptor's number to others.
        self._reading = Lock()

    def _next_piece(self, file: OpenFile) -> bytes:
        with self._reading:
            return b"" if file.closed else file.read(PIECE)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._answer.text:
            yield self._answer.text
        if self._answer.file is None:
            return
        try:
            while piece := await asyncio.to_thread(self._next_piece, self._answer.file):
                yield piece
        except OSError as error:
            log_broken(self._name, error)
            raise BrokenOff(str(error)) from error

    def close(self) -> None:
        if self._answer.file is not None:
            with self._reading:
                self._answer.file.close()


class BuiltFrontend:
    """One folder."""

    def __init__(self, frontend: Frontend) -> None:
        assert frontend.folder is not None
        self._files = Files(frontend.folder, frontend.prefix)

    async def answer(self, request: HttpRequest) -> StreamedResponse:
        refusals.host_by(request.get_host, is_target_refused=targets.has_refused(request))
        scope = scope_of(request)
        body_length_of(request.method, received_in_scope(scope), is_lost=loses_body(scope))
        answer = await asyncio.to_thread(answer_of, self._files, request)
        body = FileBody(answer, f"{request.method} {request.path}")
        return FrontendResponse(answer.status, answer.reason, answer.fields, body)
