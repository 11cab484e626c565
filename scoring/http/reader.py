"""Makes requests of a connection's bytes with httptools (llhttp): framing and limits.

The life of a request here: head -> admit (route, key, size: refused before the body is read) ->
body -> the connection takes it. Nothing is answered here, and no time is kept.

Every part has a limit in bytes, because the parser has none: what of a head, a trailer, a chunk's
size or extension is not complete yet is counted as it comes, before more of it is kept.
"""

from __future__ import annotations

from time import perf_counter_ns
from typing import Protocol, cast

import httptools

from scoring.errors import Rejection
from scoring.http.body import LARGE, Body, LargeBody
from scoring.http.known_head import learn
from scoring.http.server import Server
from scoring.routes.messages import Request

# Each repeated header is joined to the one before, which copies that.
MOST_REPEATED = 64
# Bytes of a body for each byte of chunk sizes and extensions, beyond what a head may have: millions
# of chunks of some bytes would take seconds to read.
LEAST_CONTENT = 4
# Heads that are remembered for a connection, one after another: learning takes longer than parsing.
MOST_LESSONS = 8


class Owner(Protocol):
    """The connection, for its reader: where requests go, and what ends them."""

    deadline: float

    @property
    def busy(self) -> bool:
        """A request that comes now has to wait for its turn."""
        ...

    def take(self, request: Request) -> None:
        """Answer a request in its turn."""
        ...

    def take_in_turn(self, request: Request) -> None:
        """Answer a large request after the other connections' own."""
        ...

    def refuse(self, rejection: Rejection) -> None:
        """Answer with an error and end the connection."""
        ...

    def end_with(self, request: Request) -> None:
        """The same with a request whose refusal is known."""
        ...

    def invite_body(self) -> None:
        """Tell a client that waits for a sign to send its body."""
        ...


class RequestReader:
    """What was read of a connection's current request; also the parser's callbacks."""

    __slots__ = (
        "_body",
        "_connection",
        "_excess",
        "_fed",
        "_finished",
        "_head_bytes",
        "_headers",
        "_hosts",
        "_in_head",
        "_known",
        "_length",
        "_lessons",
        "_parser",
        "_progress",
        "_repeated",
        "_replaying",
        "_request",
        "_server",
        "_taken",
        "_target",
        "_upgrading",
        "closed",
        "large",
    )

    def __init__(self, connection: Owner, server: Server) -> None:
        self._connection = connection
        self._server = server
        # Made when it is needed: a connection of a single known head needs none.
        self._parser = cast(httptools.HttpRequestParser, None)
        self._headers: dict[bytes, bytes] = {}
        self._target = b""
        self._request: Request | None = None  # whose body is being read
        self._body = Body(server.buffers)
        self._length = 0  # of the body, as declared
        self.large: LargeBody | None = None  # which receives what comes, past the parser
        self._in_head = False
        self._head_bytes = 0  # complete lines of the head, then of the trailers
        self._hosts = 0
        self._repeated = 0
        self._fed = 0  # bytes since the last whole part, all of the part that is not complete yet
        self._progress = False  # a part was completed by the bytes being fed
        self._taken = 0  # bytes of a body among those being fed
        self._excess = 0  # bytes of chunks beyond what their content allows
        self._upgrading = False  # the parser stops before the body, which comes all the same
        self._replaying = False  # a parser is being told where it is, which is no request
        self._finished: Request | None = None  # the last that was handed over of those being fed
        self._known = server.known_head
        self._lessons = MOST_LESSONS
        self.closed = False  # nothing that still comes is read

    @property
    def idle(self) -> bool:
        """Nothing of a request was read."""
        return not (self._in_head or self._request)

    def feed(self, data: memoryview) -> None:
        """Feed the parser; its callbacks do the work."""
        if self.closed:
            return
        fresh = self.idle
        if fresh and self._again(data):
            return
        if self._parser is None:
            self._parser = httptools.HttpRequestParser(self)
        whole, size, before = data, len(data), self._request
        self._progress, self._taken, self._finished = False, 0, None
        while True:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as pause:
                if not self.closed:
                    data = data[pause.args[0] :]
                    self._ignore_upgrade()
                    continue
            except httptools.HttpParserError as error:
                if not self.closed:
                    self._connection.refuse(_protocol_error(error))
            break
        finished, self._finished = self._finished, None
        if fresh and finished is not None:
            self._learn(whole, finished)
        if self.closed:
            return
        if self._length and self._request is not None:
            self._receive_large()
        else:
            self._check_framing(size, before)

    def _again(self, data: memoryview) -> bool:
        """Take a whole request whose head is known, without the parser, which is between two."""
        found = self._known and self._known.again(data)
        if not found:
            return False
        request, body = found
        self._fed = 0
        self._connection.deadline = self._server.now() + self._server.settings.read_timeout
        self._begin(request)
        if self._request is not None:
            self.on_body(body)
            self.on_message_complete()
            self._finished = None
        return True

    def _learn(self, data: memoryview, request: Request) -> None:
        """Remember the head of the first request in these bytes, of which this is the last."""
        if not self._lessons:
            return
        self._lessons -= 1
        known = learn(data, request, self._server.settings.max_header_bytes)
        if known is not None:
            self._known = self._server.known_head = known

    def _check_framing(self, size: int, before: Request | None) -> None:
        """Refuse a part of a request that does not end."""
        if self._progress:
            self._fed = self._head_bytes if self._in_head else 0
        else:
            self._fed += size
            if self._fed > self._server.settings.max_header_bytes:
                self._connection.refuse(self._head_too_long())
                return
        request = self._request
        if request is not None and request is before:
            self._excess += size - self._taken - self._taken // LEAST_CONTENT
            if self._excess > self._server.settings.max_header_bytes:
                self._connection.refuse(
                    Rejection(400, "bad_chunks", "the chunks hold more framing than content")
                )

    def _ignore_upgrade(self) -> None:
        """Go on in HTTP/1.1, as RFC 9110 7.8 allows: the parser takes what follows for another.

        A new one takes its place. Where a body follows it is told so by a head that says only that.
        """
        self._parser = httptools.HttpRequestParser(self)
        if not self._upgrading:
            return
        self._upgrading = False
        length = self._headers.get(b"content-length")
        framing = b"transfer-encoding: chunked" if length is None else b"content-length: " + length
        self._replaying = True
        self._parser.feed_data(b"POST / HTTP/1.1\r\n" + framing + b"\r\n\r\n")
        self._replaying = False

    def abandon(self) -> Request | None:
        """Read no further, give back the buffers of a body that is not answered; its request."""
        self.closed = True
        request, self._request = self._request, None
        self._body.drop()
        if self.large is not None:
            self.large.drop()
            self.large = None
        return request

    def forget(self) -> None:
        """The connection is lost: end the cycles of parser, reader and connection."""
        self.abandon()
        del self._parser, self._connection

    # The parser's side

    def on_message_begin(self) -> None:
        """A new request begins."""
        if self.closed or self._replaying:
            return
        self._headers = {}
        self._target = b""
        self._head_bytes = 0
        self._hosts = 0
        self._repeated = 0
        self._in_head = True
        self._connection.deadline = self._server.now() + self._server.settings.read_timeout

    def on_url(self, url: bytes) -> None:
        """The target, which may come in pieces."""
        self._target += url
        self._head_bytes += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header; trailers after a chunked body are ignored."""
        self._head_bytes += len(name) + len(value) + 4
        if not self._in_head:
            if self._head_bytes > self._server.settings.max_header_bytes and not self.closed:
                self._connection.refuse(self._head_too_long())
            return
        name = name.lower()
        headers = self._headers
        if name == b"host":
            self._hosts += 1
        if name in headers and name != b"content-length":
            self._repeated += 1
            if self._repeated > MOST_REPEATED:
                return  # refused as soon as the head is complete, or too long
            value = headers[name] + b"," + value
        headers[name] = value

    def on_headers_complete(self) -> None:
        """Decide with the head alone whether the request is taken."""
        if self.closed or self._replaying:
            return
        self._in_head = False
        self._progress = True
        headers = self._headers
        request = Request(
            self._parser.get_method().decode("latin-1"),
            *_split(self._target),
            headers,
        )
        request.old = self._parser.get_http_version() == "1.0"
        request.keep_alive = self._parser.should_keep_alive()
        self._request = request
        try:
            self._check_head(request)
        except Rejection as rejection:
            self._connection.refuse(rejection)
            return
        self._begin(request)

    def _begin(self, request: Request) -> None:
        """Let the application admit a request, and get ready for its body."""
        self._request = request
        request.started = perf_counter_ns()
        self._head_bytes = 0
        self._excess = 0
        headers = request.headers
        try:
            request.refusal = self._server.application.admit(request)
            length = self._body.begin(headers) if request.refusal is None else 0
        except Rejection as rejection:
            request.refusal = self._server.application.refuse(request, rejection)
            length = 0
        if request.refusal is not None:
            # Without a body to read the connection stays.
            if _has_body(headers):
                self._request = None
                self._connection.end_with(request)
            return
        self._length = length if length > LARGE and not self._body.coding else 0
        if headers.get(b"expect", b"").lower() == b"100-continue":
            self._connection.invite_body()

    def _check_head(self, request: Request) -> None:
        """What no application may be asked: RFC 9112 3.2 and 6.1."""
        headers = self._headers
        if self._head_bytes > self._server.settings.max_header_bytes:
            raise self._head_too_long()
        if self._repeated > MOST_REPEATED:
            raise Rejection(
                431, "head_too_long", f"the request repeats more than {MOST_REPEATED} headers"
            )
        if self._hosts != 1 and not (request.old and not self._hosts):
            raise Rejection(400, "bad_host", f"the request has {self._hosts} Host headers, not one")
        coding = headers.get(b"transfer-encoding")
        if coding is not None:
            if request.old:
                raise Rejection(400, "bad_http", "HTTP/1.0 knows no transfer-encoding")
            if coding.strip().lower() != b"chunked":
                raise Rejection(
                    501, "unknown_transfer_encoding", "transfer-encoding may be chunked or absent"
                )
        if b"upgrade" in headers or request.method == "CONNECT":
            self._upgrading = self._parser.should_upgrade() and _has_body(headers)
            request.keep_alive = request.keep_alive and request.method != "CONNECT"

    def on_body(self, body: bytes) -> None:
        """A piece of the body: counted, unzipped, kept."""
        if self.closed:
            return
        self._progress = True
        self._taken += len(body)
        try:
            self._body.add(body)
        except Rejection as rejection:
            self._connection.refuse(rejection)

    def on_message_complete(self) -> None:
        """Hand the request over."""
        request = self._request
        if self.closed or request is None or self._upgrading:
            return
        self._progress = True
        request.coding = self._body.coding
        request.body = self._body.take()
        self._done(request)
        self._finished = request
        if request.coding or len(request.body) > LARGE:
            self._connection.take_in_turn(request)
        else:
            self._connection.take(request)

    def _done(self, request: Request) -> None:
        self._request = None
        self._length = 0
        self.closed = not request.keep_alive

    # Large bodies

    def _receive_large(self) -> None:
        """Let the rest of a body of known length go past the parser into one buffer."""
        if self._connection.busy:
            return  # reading is paused: it goes on through the parser
        self.large = LargeBody(self._server.buffers, self._body.content, self._length)
        self._body.content = b""

    def received(self, size: int) -> None:
        """So many bytes of a large body have arrived in its buffer."""
        request, large = self._request, self.large
        if request is None or large is None:
            return
        try:
            content = large.received(size)
        except Rejection as rejection:
            self._connection.refuse(rejection)
            return
        if content is None:
            return
        self.large = None
        self._parser = httptools.HttpRequestParser(self)  # the old one still waits for this body
        request.body = content
        self._done(request)
        self._connection.take_in_turn(request)

    def _head_too_long(self) -> Rejection:
        limit = self._server.settings.max_header_bytes
        if self._request is not None:
            return Rejection(
                431, "framing_too_long", f"a chunk's head or the trailers exceed {limit} bytes"
            )
        return Rejection(431, "head_too_long", f"the request head is longer than {limit} bytes")


def _split(target: bytes) -> tuple[str, str]:
    """Path and query; of an absolute target, as proxies send them, too."""
    if not target.startswith(b"/") and b"://" in target:
        authority, _, rest = target.partition(b"://")[2].partition(b"/")
        target = b"/" + rest if b"?" not in authority else b"/?" + authority.partition(b"?")[2]
    path, _, query = target.partition(b"?")
    return path.decode("latin-1"), query.decode("latin-1")


def _has_body(headers: dict[bytes, bytes]) -> bool:
    return (
        b"transfer-encoding" in headers or headers.get(b"content-length", b"0").strip(b"0") != b""
    )


def _protocol_error(error: Exception) -> Rejection:
    """What llhttp said, without our own callback errors."""
    if isinstance(error, httptools.HttpParserCallbackError):
        raise error
    return Rejection(400, "bad_http", f"this is not HTTP/1.1: {error}")
