"""A built frontend's files in an event loop, which waits for no disk: a thread reads them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from django.http import HttpRequest

from samesite_proxy.built.answer import Answer, answer_of
from samesite_proxy.built.files import Files
from samesite_proxy.conf import Frontend
from samesite_proxy.proxy import refusals, targets
from samesite_proxy.proxy.response import FrontendResponse, StreamedResponse


class Pieces:
    """The bytes that have been read, and what is left of an open file, which is closed with it."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._answer.text:
            yield self._answer.text
        if self._answer.file is None:
            return
        while piece := await asyncio.to_thread(self._answer.next_piece):
            yield piece

    def close(self) -> None:
        if self._answer.file is not None:
            self._answer.file.close()


class BuiltFrontend:
    """One folder."""

    def __init__(self, frontend: Frontend) -> None:
        assert frontend.folder is not None
        self._files = Files(frontend.folder, frontend.prefix)

    async def answer(self, request: HttpRequest) -> StreamedResponse:
        refusals.host_by(request.get_host, is_target_refused=targets.has_refused(request))
        answer = await asyncio.to_thread(answer_of, self._files, request)
        return FrontendResponse(answer.status, answer.reason, answer.fields, Pieces(answer))
