"""Makes requests of a connection's bytes with httptools (llhttp): framing and limits.

The life of a request here: head -> admit (route, key, size: refused before the body is read) ->
body -> the connection takes it. Nothing is answered here, and no time is kept.
"""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING

import httptools

from scoring.errors import Rejection
from scoring.http.body import LARGE, Body, LargeBody
from scoring.routes.messages import Request

if TYPE_CHECKING:
    from scoring.http.connection import Connection
    from scoring.routes.application import Service


class RequestReader:
    """What was read of a connection's current request; also the parser's callbacks."""

    __slots__ = (
        "_begun",
        "_body",
        "_connection",
        "_head_bytes",
        "_headers",
        "_in_head",
        "_keep_alive",
        "_large",
        "_length",
        "_parser",
        "_request",
        "_service",
        "_target",
        "closed",
    )

    def __init__(self, connection: Connection, service: Service) -> None:
        self._connection = connection
        self._service = service
        self._parser = httptools.HttpRequestParser(self)
        self._headers: dict[bytes, bytes] = {}
        self._target = b""
        self._request: Request | None = None  # whose body is being read
        self._body = Body(service.buffers)
        self._length = 0  # of the body, as declared
        self._large: LargeBody | None = None  # which receives in the connection's place
        self._keep_alive = True
        self._in_head = False
        self._begun = 0  # requests that begin in the bytes being fed
        self._head_bytes = 0
        self.closed = False  # nothing that still comes is read

    @property
    def idle(self) -> bool:
        """Nothing of a request was read."""
        return not (self._in_head or self._request)

    def feed(self, data: memoryview) -> None:
        """Feed the parser; its callbacks do the work."""
        if self.closed:
            return
        fresh = self._connection.idle
        self._begun = 0
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # refused or answered, as its last request, where its head was complete
        except httptools.HttpParserError as error:
            if not self.closed:
                self._connection.refuse(_protocol_error(error))
        if self._length and self._request is not None and not self.closed:
            self._receive_large()
        elif self._in_head and not self.closed and self._begun <= fresh:
            # All of these bytes belong to the head; a header without an end is not told otherwise.
            self._head_bytes = len(data) + (0 if self._begun else self._head_bytes)
            if self._head_bytes > self._service.settings.max_header_bytes:
                self._connection.refuse(self._head_too_long())

    def abandon(self) -> Request | None:
        """Read no further: give back the buffers of a body that will not be answered; its request.

        The connection reads again itself where a large body was received in its place.
        """
        self.closed = True
        request, self._request = self._request, None
        self._body.drop()
        if self._large is not None:
            self._large.drop()
            self._large = None
            self._connection.receive(self._connection)
        return request

    def forget(self) -> None:
        """The connection is lost: end the cycles of parser, reader and connection."""
        self.abandon()
        del self._parser, self._connection

    # The parser's side

    def on_message_begin(self) -> None:
        """A new request begins."""
        self._headers = {}
        self._target = b""
        self._head_bytes = 0
        self._begun += 1
        self._in_head = True
        self._connection.deadline = self._service.now() + self._service.settings.read_timeout

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
        if self.closed:
            return
        if self._head_bytes > self._service.settings.max_header_bytes:
            self._connection.refuse(self._head_too_long())
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
        request.old = self._parser.get_http_version() == "1.0"
        self._request = request
        try:
            self._service.admit(request)
            length = self._body.begin(headers)
            if self._parser.should_upgrade() and _has_body(headers):
                raise Rejection(400, "no_upgrade", "send a body without an Upgrade header")
            self._length = length if length > LARGE and self._body.plain else 0
        except Rejection as rejection:
            if _has_body(headers):
                self._connection.refuse(rejection)
            else:  # there is no body to read: the connection stays
                self._service.reject_later(request, rejection)
            return
        if headers.get(b"expect", b"").lower() == b"100-continue":
            self._connection.invite_body()

    def on_body(self, body: bytes) -> None:
        """A piece of the body: counted, unzipped, kept."""
        if self.closed:
            return
        try:
            self._body.add(body)
        except Rejection as rejection:
            self._connection.refuse(rejection)

    def on_message_complete(self) -> None:
        """Hand the request over."""
        request = self._request
        if self.closed or request is None:
            return
        try:
            request.body = self._body.take()
        except Rejection as rejection:
            self._connection.refuse(rejection)
            return
        # No other protocol is spoken here: a request to upgrade is answered, and is the last.
        self._done(request, self._parser.should_keep_alive() and not self._parser.should_upgrade())
        self._connection.take(request)

    def _done(self, request: Request, keep_alive: bool) -> None:
        self._request = None
        self._length = 0
        request.keep_alive = keep_alive
        self.closed = not keep_alive

    # Large bodies

    def _receive_large(self) -> None:
        """Let the rest of a body of known length go past the parser into one buffer."""
        if self._connection.busy:
            return  # reading is paused: it goes on through the parser
        self._keep_alive = self._parser.should_keep_alive()
        self._large = LargeBody(
            self._service.buffers,
            self._connection,
            self._body.content,
            self._length,
            self._large_received,
        )
        self._body.content = b""
        self._connection.receive(self._large)

    def _large_received(self, content: memoryview | None, rejection: Rejection | None) -> None:
        request, large = self._request, self._large
        if request is None or large is None:
            return
        if rejection is not None:
            self._connection.refuse(rejection)
            return
        self._large = None
        self._parser = httptools.HttpRequestParser(self)  # the old one still waits for this body
        self._connection.receive(self._connection)
        request.body = content if content is not None else b""
        self._done(request, self._keep_alive)
        self._connection.take_in_turn(request)

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
