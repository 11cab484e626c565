"""One HTTP/1.1 connection: the order of its answers, its time, its end.

It sits directly on the event loop, because a framework's objects for each request cost more than
the model (README, "Why no framework"). Nothing of the model is known here.

Pipelined requests are answered in order: while one is being answered by another thread, or while
the client does not read, later ones wait in `queue` and reading is paused.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import termios
from collections import deque
from collections.abc import Awaitable
from functools import lru_cache
from http import HTTPStatus
from typing import cast

from scoring.errors import Rejection
from scoring.http.body import unzip
from scoring.http.reader import RequestReader
from scoring.http.server import Server
from scoring.routes.messages import ID, Headers, Request, Response

# A refused client may still be sending: its bytes are read and dropped for so long, because closing
# at once would reset the connection and destroy the answer on its way.
LINGER_SECONDS = 2.0
LONGEST_PIPELINE = 128
# Where all connections of a process receive; a bytes object for each piece would be one copy more.
# It is also what a connection may send in one turn: a thousand small requests, some milliseconds.
ARRIVED = memoryview(bytearray(32 << 10))
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
# Answers begin in few ways: these are remembered.
_MOST_BEGINNINGS = 256


class Connection(asyncio.BufferedProtocol):
    """One client's connection."""

    __slots__ = (
        "_active",
        "_discarding",
        "_inviting",
        "_reader",
        "_server",
        "_stalled",
        "_task",
        "_transport",
        "_unread",
        "deadline",
        "queue",
    )

    def __init__(self, server: Server) -> None:
        self._server = server
        self._reader = RequestReader(self, server)
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._discarding = False  # the last answer was written
        self._stalled = False  # the client does not read its answers
        self._inviting = False  # a client waits for a sign, and other answers come before it
        self._unread = 0  # bytes of them
        self._task: asyncio.Task[None] | None = None
        self._active = 0.0  # when it began, or was answered
        self.deadline = 0.0
        self.queue: deque[Request] = deque()

    # The event loop's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Join the worker's connections, or be refused when there are too many."""
        self._transport = cast(asyncio.Transport, transport)
        server = self._server
        server.connections.add(self)
        self._active = server.last_active = server.now()
        self.deadline = self._active + server.settings.idle_timeout
        if len(server.connections) > server.settings.max_connections:
            self.refuse(
                Rejection(
                    503,
                    "too_many_connections",
                    f"all {server.settings.max_connections} connections are taken",
                    retry_after=1,
                )
            )

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget everything: nobody is there to answer."""
        self._discarding = True
        self._reader.forget()
        self._drop_queue()
        self._forget_unread()
        self._server.connections.discard(self)
        if self._task is not None:
            self._task.cancel()

    def eof_received(self) -> bool:
        """Close, unless answers are still owed to a client that only closed its sending side."""
        return bool(self._task or self.queue) and not self._discarding

    def pause_writing(self) -> None:
        """Stop answering: the client does not read."""
        self._stalled = True
        self._unread = self._transport.get_write_buffer_size()
        self._server.buffers.held += self._unread
        self._transport.pause_reading()
        self.deadline = self._server.now() + self._server.settings.read_timeout

    def resume_writing(self) -> None:
        """Go on answering."""
        self._stalled = False
        self._forget_unread()
        self._next()

    def _forget_unread(self) -> None:
        self._server.buffers.held -= self._unread
        self._unread = 0

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where to receive; what comes is read before any other connection receives."""
        large = self._reader.large
        return ARRIVED if large is None else large.room()

    def buffer_updated(self, nbytes: int) -> None:
        """Read on; after as much as there is room for, the others come first."""
        if self._reader.large is not None:
            self._reader.received(nbytes)
            return
        self._reader.feed(ARRIVED[:nbytes])
        if nbytes == len(ARRIVED) and self._reader.large is None:
            # libuv would read 32 times as much before any other connection.
            self._transport.pause_reading()
            self._server.loop.call_soon(self._read_on)

    def _read_on(self) -> None:
        if not self._transport.is_closing() and (self._discarding or not self.busy):
            self._transport.resume_reading()

    # The reader's side

    @property
    def busy(self) -> bool:
        """A request that comes now has to wait for its turn."""
        return bool(self._task or self._stalled or self.queue)

    def take(self, request: Request) -> None:
        """Answer a request, or queue it behind one that is being answered."""
        self._inviting = False
        if not self.busy:
            self._answer(request)
        elif len(self.queue) < LONGEST_PIPELINE:
            self._enqueue(request)
        else:
            self.refuse(Rejection(429, "pipeline_too_long", "too many requests in one pipeline"))

    def take_in_turn(self, request: Request) -> None:
        """Answer a large request after the other connections' own."""
        self._inviting = False
        self._enqueue(request)
        self._server.turns.take(self._next)

    def refuse(self, rejection: Rejection) -> None:
        """Answer with an error and end the connection; what was queued before is answered first."""
        request = self._reader.abandon() or Request("", "", "", {})
        request.refusal = self._server.application.refuse(request, rejection)
        self.end_with(request)

    def end_with(self, request: Request) -> None:
        """The same with a request whose refusal is known."""
        self._reader.abandon()
        request.keep_alive = False
        if self.busy:
            self.queue.append(request)
            self._transport.pause_reading()
        else:
            self._answer(request)

    def invite_body(self) -> None:
        """Tell a client that waits for a sign to send its body, after the answers before it."""
        self._inviting = self.busy
        if not self._inviting:
            self._transport.write(CONTINUE)

    def _enqueue(self, request: Request) -> None:
        self._server.buffers.held += len(request.body)
        self.queue.append(request)
        self._transport.pause_reading()

    def _drop_queue(self) -> None:
        self._server.buffers.held -= sum(len(request.body) for request in self.queue)
        self.queue.clear()

    # Answers

    def _answer(self, request: Request) -> None:
        if request.coding and request.refusal is None:
            self._unzip(request)
        answer = request.refusal or self._server.application.handle(request)
        if type(answer) is Response:
            self._write(request, answer)
        else:
            later = cast("Awaitable[Response]", answer)
            self._task = self._server.loop.create_task(self._later(request, later))

    def _unzip(self, request: Request) -> None:
        try:
            self._server.buffers.check()
            request.body = unzip(request.body, request.coding, self._server.buffers)
        except Rejection as rejection:
            request.body = b""
            request.refusal = self._server.application.refuse(request, rejection)

    async def _later(self, request: Request, answer: Awaitable[Response]) -> None:
        response = await answer
        self._task = None
        self._write(request, response)
        self._next()

    def _next(self) -> None:
        """Answer what waits, then read on."""
        while self.queue and not (self._task or self._stalled or self._discarding):
            request = self.queue.popleft()
            self._server.buffers.held -= len(request.body)
            self._answer(request)
        if not (self.queue or self._task or self._stalled or self._discarding):
            if self._inviting:
                self._inviting = False
                self._transport.write(CONTINUE)
            self._transport.resume_reading()

    def _write(self, request: Request, response: Response) -> None:
        if self._discarding:
            return
        server = self._server
        last = not request.keep_alive or server.draining
        body = response.body if request.method != "HEAD" else b""
        ending = ""
        if last:
            ending = "connection: close\r\n"
        elif request.old:
            ending = "connection: keep-alive\r\n"
        head = (
            f"{_beginning(response.status, response.kind, response.headers)}{server.date_line}"
            f"{ID}: {request.id}\r\n{_lines(request.echoes())}"
            f"content-length: {len(response.body)}\r\n{ending}\r\n"
        )
        self._transport.write(head.encode("latin-1") + body)
        server.application.answered(request, response)
        self._active = server.last_active = server.now()
        if last:
            # A client that asked for the end sends nothing more that would be answered by a reset.
            self._finish(at_once=request.refusal is None and not request.keep_alive)
        else:
            self.deadline = self._active + server.settings.idle_timeout

    def _finish(self, *, at_once: bool) -> None:
        """End the connection after its last answer, without destroying that answer.

        At once, where all that came was read; else when the client has closed, or has had time to.
        """
        self._discarding = True
        self._reader.abandon()
        self._drop_queue()
        if self._transport.is_closing():
            return
        self.deadline = self._server.now() + LINGER_SECONDS
        if at_once and self._transport.is_reading():
            self._transport.close()
            return
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._transport.resume_reading()

    # Time

    def sweep(self, now: float) -> None:
        """Called a few times a second: end what has waited too long."""
        if now < self.deadline or self._task:
            return
        if self._discarding or self._stalled:
            self._transport.abort()
        elif self._reader.idle:
            self._transport.close()
        else:
            limit = self._server.settings.read_timeout
            self.refuse(
                Rejection(408, "too_slow", f"the request did not arrive within {limit:g} seconds")
            )

    @property
    def idle(self) -> bool:
        """Nothing of a request was read, and nothing is owed."""
        return self._reader.idle and not (self._task or self.queue)

    def close_unused(self, since: float) -> None:
        """Close a connection whose client has sent nothing since then, and nothing now."""
        if not self.idle or self._discarding or self._active > since:
            return
        client = self._transport.get_extra_info("socket")
        unread = bytearray(4)
        with contextlib.suppress(OSError):
            fcntl.ioctl(client.fileno(), termios.FIONREAD, unread)
        if not any(unread):
            self._transport.close()


@lru_cache(_MOST_BEGINNINGS)
def _beginning(status: int, kind: str, headers: Headers) -> str:
    """The lines of an answer that others have, too."""
    phrase = HTTPStatus(status).phrase
    return f"HTTP/1.1 {status} {phrase}\r\ncontent-type: {kind}\r\n{_lines(headers)}"


def _lines(headers: Headers) -> str:
    if not headers:
        return ""
    return b"".join([b"%b: %b\r\n" % header for header in headers]).decode("latin-1")
