"""One HTTP/1.1 connection on httptools (llhttp): framing, limits, order of answers, disconnects.

It sits directly on the event loop, because a framework's objects for each request cost more than
the model (README, "Why no framework"). Nothing of the model is known here.

The life of a request: head -> admit (route, key, size: refused before the body is read) -> body
-> handle -> write. Pipelined requests are answered in order: while one is being answered by another
thread, or while the client does not read, later ones wait in `queue` and reading is paused.
"""

from __future__ import annotations

import asyncio
from collections import deque
from time import perf_counter_ns
from typing import TYPE_CHECKING, cast

import httptools

from scoring.errors import Rejection
from scoring.server.body import LARGE, Body, LargeBody
from scoring.server.messages import REASONS, Request, Response

if TYPE_CHECKING:
    from scoring.server.service import Service

# A refused client may still be sending: its bytes are read and dropped for so long, because closing
# at once would reset the connection and destroy the answer on its way.
LINGER_SECONDS = 2.0
LONGEST_PIPELINE = 128


class Connection(asyncio.Protocol):
    """One client's connection."""

    __slots__ = (
        "_begun",
        "_body",
        "_deadline",
        "_discarding",
        "_head_bytes",
        "_headers",
        "_in_head",
        "_keep_alive",
        "_large",
        "_length",
        "_old",
        "_parser",
        "_refused",
        "_request",
        "_service",
        "_stalled",
        "_target",
        "_task",
        "_transport",
        "queue",
    )

    def __init__(self, service: Service) -> None:
        self._service = service
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport = cast(asyncio.Transport, None)
        self._headers: dict[bytes, bytes] = {}
        self._target = b""
        self._request: Request | None = None  # whose body is being read
        self._body = Body(service.buffers)
        self._length = 0  # of the body, as declared
        self._large: LargeBody | None = None  # which receives in place of this
        self._keep_alive = True
        self._old = False  # HTTP/1.0
        self._in_head = False
        self._begun = 0  # requests that begin in the bytes being fed
        self._head_bytes = 0
        self._refused = False  # nothing that still comes is read
        self._discarding = False  # the last answer was written
        self._stalled = False  # the client does not read its answers
        self._task: asyncio.Task[None] | None = None
        self._deadline = 0.0
        self.queue: deque[tuple[Request, bool]] = deque()

    # The event loop's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Join the worker's connections, or be refused when there are too many."""
        self._transport = cast(asyncio.Transport, transport)
        service = self._service
        service.connections.add(self)
        service.last_active = service.now()
        self._deadline = service.last_active + service.settings.idle_timeout
        if len(service.connections) > service.settings.max_connections:
            self._refuse(
                Rejection(
                    503,
                    "too_many_connections",
                    f"all {service.settings.max_connections} connections are taken",
                    retry_after=1,
                )
            )

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget everything: nobody is there to answer."""
        self._drop_body()
        self._drop_queue()
        self._large = None
        self._service.connections.discard(self)
        self._discarding = self._refused = True
        del self._parser  # it refers to this connection: a cycle
        if self._task is not None:
            self._task.cancel()

    def eof_received(self) -> bool:
        """Close, unless answers are still owed to a client that only closed its sending side."""
        return bool(self._task or self.queue) and not self._discarding

    def pause_writing(self) -> None:
        """Stop answering: the client does not read."""
        self._stalled = True
        self._transport.pause_reading()
        self._deadline = self._service.now() + self._service.settings.read_timeout

    def resume_writing(self) -> None:
        """Go on answering."""
        self._stalled = False
        self._next()

    def data_received(self, data: bytes) -> None:
        """Feed the parser; its callbacks do the work."""
        if self._refused:
            return
        fresh = self.idle
        self._begun = 0
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # refused or answered, as its last request, where its head was complete
        except httptools.HttpParserError as error:
            if not self._refused:
                self._refuse(_protocol_error(error))
        if self._length and self._request is not None and not self._refused:
            self._receive_large(self._request)
        elif self._in_head and not self._refused and self._begun <= fresh:
            # All of these bytes belong to the head; a header without an end is not told otherwise.
            self._head_bytes = len(data) + (0 if self._begun else self._head_bytes)
            if self._head_bytes > self._service.settings.max_header_bytes:
                self._refuse(self._head_too_long())

    # The parser's side

    def on_message_begin(self) -> None:
        """A new request begins."""
        self._headers = {}
        self._target = b""
        self._head_bytes = 0
        self._begun += 1
        self._in_head = True
        self._deadline = self._service.now() + self._service.settings.read_timeout

    def on_url(self, url: bytes) -> None:
        """The target, which may come in pieces."""
        self._target += url
        self._head_bytes += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; trailers after a chunked body are ignored."""
        if not self._in_head:
            return
        self._head_bytes += len(name) + len(value) + 4
        name = name.lower()
        headers = self._headers
        if name in headers and name != b"content-length":
            value = headers[name] + b"," + value
        headers[name] = value

    def on_headers_complete(self) -> None:
        """Decide with the head alone whether the request is taken."""
        self._in_head = False
        if self._refused:
            return
        service = self._service
        if self._head_bytes > service.settings.max_header_bytes:
            self._refuse(self._head_too_long())
            return
        path, _, query = self._target.partition(b"?")
        headers = self._headers
        request = Request(
            self._parser.get_method().decode("latin-1"),
            path.decode("latin-1"),
            query.decode("latin-1"),
            headers,
        )
        request.started = perf_counter_ns()
        self._old = self._parser.get_http_version() == "1.0"
        self._request = request
        try:
            service.admit(request)
            length = self._body.begin(headers)
            if self._parser.should_upgrade() and _has_body(headers):
                raise Rejection(400, "no_upgrade", "send a body without an Upgrade header")
            self._length = length if length > LARGE and self._body.plain else 0
        except Rejection as rejection:
            if _has_body(headers):
                self._refuse(rejection)
            else:  # there is no body to read: the connection stays
                self._service.reject_later(request, rejection)
            return
        if headers.get(b"expect", b"").lower() == b"100-continue" and not self._task:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """A piece of the body: counted, unzipped, kept."""
        if self._refused:
            return
        try:
            self._body.add(body)
        except Rejection as rejection:
            self._refuse(rejection)

    def on_message_complete(self) -> None:
        """Hand the request over, or queue it behind one that is being answered."""
        request = self._request
        if self._refused or request is None:
            return
        try:
            request.body = self._body.take()
        except Rejection as rejection:
            self._refuse(rejection)
            return
        # No other protocol is spoken here: a request to upgrade is answered, and is the last.
        self._complete(
            request, self._parser.should_keep_alive() and not self._parser.should_upgrade()
        )

    def _complete(self, request: Request, keep_alive: bool) -> None:
        self._request = None
        self._length = 0
        self._refused = not keep_alive
        if self._task or self._stalled or self.queue:
            if len(self.queue) >= LONGEST_PIPELINE:
                self._refuse(
                    Rejection(429, "pipeline_too_long", "too many requests in one pipeline")
                )
                return
            self._enqueue(request, keep_alive)
        else:
            self._answer(request, keep_alive)

    def _enqueue(self, request: Request, keep_alive: bool) -> None:
        self._service.buffers.held += len(request.body)
        self.queue.append((request, keep_alive))
        self._transport.pause_reading()

    # Bodies

    def _receive_large(self, request: Request) -> None:
        """Let the rest of a body of known length go past the parser into one buffer."""
        if self._task or self._stalled or self.queue:
            return  # reading is paused: it goes on through the parser
        self._keep_alive = self._parser.should_keep_alive()
        self._large = LargeBody(
            self._service.buffers, self, self._body.content, self._length, self._large_received
        )
        self._body.content = b""
        self._read_into(self._large)

    def _large_received(self, content: bytearray | None, rejection: Rejection | None) -> None:
        request, large = self._request, self._large
        if request is None or large is None:
            return
        if rejection is not None:
            self._refuse(rejection)
            return
        self._large = None
        self._parser = httptools.HttpRequestParser(self)  # the old one still waits for this body
        self._read_into(self)
        request.body = content if content is not None else b""
        self._request = None
        self._length = 0
        self._refused = not self._keep_alive
        self._enqueue(request, self._keep_alive)
        self._service.turns.take(self._next)

    def _read_into(self, protocol: asyncio.BaseProtocol) -> None:
        self._transport.pause_reading()  # a transport asks its protocol's kind when it starts
        self._transport.set_protocol(protocol)
        self._transport.resume_reading()

    def _drop_body(self) -> None:
        """Give back the buffers of a body that will not be answered."""
        self._body.drop()
        if self._large is not None:
            self._large.drop()
            self._large = None
            if not self._transport.is_closing():
                self._read_into(self)

    def _drop_queue(self) -> None:
        self._service.buffers.held -= sum(len(request.body) for request, _ in self.queue)
        self.queue.clear()

    # Answers

    def _answer(self, request: Request, keep_alive: bool) -> None:
        answer = self._service.handle(request)
        if type(answer) is Response:
            self._write(request, answer, keep_alive)
        else:
            self._task = self._service.loop.create_task(self._later(request, answer, keep_alive))

    async def _later(self, request: Request, answer, keep_alive: bool) -> None:  # noqa: ANN001
        response = await answer
        self._task = None
        self._write(request, response, keep_alive)
        self._next()

    def _next(self) -> None:
        """Answer what waits, then read on."""
        while self.queue and not (self._task or self._stalled or self._discarding):
            request, keep_alive = self.queue.popleft()
            self._service.buffers.held -= len(request.body)
            self._answer(request, keep_alive)
        if not (self.queue or self._task or self._stalled or self._discarding):
            self._transport.resume_reading()

    def _write(self, request: Request, response: Response, keep_alive: bool) -> None:
        if self._discarding:
            return
        service = self._service
        last = not keep_alive or service.draining
        body = response.body
        if last:
            ending = "connection: close\r\n"
        elif self._old:
            ending = "connection: keep-alive\r\n"
        else:
            ending = ""
        trace = f"traceparent: {request.trace}\r\n" if request.trace else ""
        head = (
            f"HTTP/1.1 {response.status} {REASONS[response.status]}\r\n"
            f"content-type: {response.kind}\r\ncontent-length: {len(body)}\r\n"
            f"{service.date_line}x-ms-request-id: {request.id}\r\n{trace}"
            f"{response.headers}{ending}\r\n"
        ).encode("latin-1")
        self._transport.write(head if request.method == "HEAD" else head + body)
        service.answered(request, response)
        if last:
            self._finish()
        else:
            self._deadline = service.now() + service.settings.idle_timeout

    def _refuse(self, rejection: Rejection) -> None:
        """Answer with an error and end the connection; what was queued before is answered first."""
        request = self._request or Request("", "", "", {})
        self._request = None
        self._drop_body()
        self._refused = True
        if self._task or self._stalled or self.queue:
            self._service.reject_later(request, rejection)
            self.queue.append((request, False))
            self._transport.pause_reading()
            return
        self._write(request, self._service.rejected(request, rejection), keep_alive=False)

    def _finish(self) -> None:
        """End the connection after its last answer, without destroying that answer."""
        self._discarding = self._refused = True
        self._drop_body()
        self._drop_queue()
        if self._transport.is_closing():
            return
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._deadline = self._service.now() + LINGER_SECONDS
        self._transport.resume_reading()

    # Time

    def sweep(self, now: float) -> None:
        """Called a few times a second: end what has waited too long."""
        if now < self._deadline or self._task:
            return
        if self._discarding or self._stalled:
            self._transport.abort()
        elif self._in_head or self._request is not None:
            self._refuse(
                Rejection(
                    408,
                    "too_slow",
                    "the request did not arrive within"
                    f" {self._service.settings.read_timeout:g} seconds",
                )
            )
        else:
            self._transport.close()

    @property
    def idle(self) -> bool:
        """Nothing of a request was read, and nothing is owed."""
        return not (self._in_head or self._request or self._task or self.queue)

    def close(self) -> None:
        """Close an idle connection."""
        self._transport.close()

    def _head_too_long(self) -> Rejection:
        limit = self._service.settings.max_header_bytes
        return Rejection(431, "head_too_long", f"the request head is longer than {limit} bytes")


def _has_body(headers: dict[bytes, bytes]) -> bool:
    return b"content-length" in headers or b"transfer-encoding" in headers


def _protocol_error(error: Exception) -> Rejection:
    """What llhttp said, without our own callback errors."""
    if isinstance(error, httptools.HttpParserCallbackError):
        raise error
    return Rejection(400, "bad_http", f"this is not HTTP/1.1: {error}")
