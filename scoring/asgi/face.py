"""ASGI 3 on one side, the application on the other."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from time import perf_counter_ns
from typing import Any, TypeAlias

from scoring.errors import Rejection
from scoring.http.body import Body, Buffers, unzip
from scoring.process.log import Log
from scoring.process.metrics import Metrics
from scoring.process.scoreboard import Board
from scoring.process.worker import TEND_SECONDS, load
from scoring.routes.application import ScoringApplication
from scoring.routes.messages import Request, Response
from scoring.settings import Settings

Event: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Event]]
Send: TypeAlias = Callable[[Event], Awaitable[None]]


class Face:
    """One process's application as an ASGI server calls it."""

    def __init__(self, settings: Settings) -> None:
        manifest, script = load(settings)
        board = Board()
        board.set_ready(0)
        self._log = Log()
        self._state = "ready"
        self._application = ScoringApplication(
            settings, manifest, script, Metrics(manifest, board), self._log, lambda: self._state
        )
        self._buffers = Buffers(settings)

    async def __call__(self, scope: Event, receive: Receive, send: Send) -> None:
        """Answer one request, or live as long as the server does."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._respond(_request(scope), receive, send)

    async def _respond(self, request: Request, receive: Receive, send: Send) -> None:
        application = self._application
        response = application.admit(request)
        if response is None:
            try:
                request.body = await self._body(request, receive)
                answer = application.handle(request)
                response = answer if isinstance(answer, Response) else await answer
            except Rejection as rejection:
                response = application.refuse(request, rejection)
            except ConnectionError:
                return
        length = str(len(response.body)).encode("ascii")
        headers = [*response.head(request), (b"content-length", length)]
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        body = b"" if request.method == "HEAD" else response.body
        await send({"type": "http.response.body", "body": body})
        application.answered(request, response)

    async def _body(self, request: Request, receive: Receive) -> bytes | bytearray:
        body = Body(self._buffers)
        try:
            body.begin(request.headers)
            more = True
            while more:
                event = await receive()
                if event["type"] == "http.disconnect":
                    raise ConnectionAbortedError
                body.add(event.get("body", b""))
                more = event.get("more_body", False)
            content = body.take()
            return unzip(content, body.coding, self._buffers) if body.coding else content
        finally:
            body.drop()

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        tending = asyncio.create_task(self._tend())
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._state = "draining"
        tending.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await tending
        self._application.close()
        self._log.flush()
        await send({"type": "lifespan.shutdown.complete"})

    async def _tend(self) -> None:
        while True:
            self._application.tend()
            self._log.flush()
            await asyncio.sleep(TEND_SECONDS)


def _request(scope: Event) -> Request:
    headers: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        headers[name] = headers[name] + b"," + value if name in headers else value
    path = scope.get("raw_path") or scope["path"].encode()
    query = scope["query_string"].decode("latin-1")
    request = Request(scope["method"], path.decode("latin-1"), query, headers)
    request.started = perf_counter_ns()
    return request
