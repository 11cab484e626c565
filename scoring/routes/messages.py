"""What a server and the application say to each other: requests, responses, who is asked what.

A header is a pair of bytes; how it is written is the server's affair, and so are the lengths of
bodies, the date and whether a connection stays.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeAlias

from scoring.errors import Rejection

JSON = "application/json"
# The header of a request's id, in its answer.
ID = "x-ms-request-id"
Headers: TypeAlias = tuple[tuple[bytes, bytes], ...]
# A large body is a bytearray that was filled as it arrived.
Content: TypeAlias = bytes | bytearray


class Request:
    """One request. Header names are lower case; a body that is handled is whole and unzipped."""

    __slots__ = (
        "body",
        "coding",
        "headers",
        "id",
        "keep_alive",
        "method",
        "old",
        "path",
        "query",
        "refusal",
        "route",
        "rows",
        "shared",
        "started",
        "trace",
    )

    def __init__(self, method: str, path: str, query: str, headers: dict[bytes, bytes]) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body: Content = b""
        self.coding = b""  # how the server still has to unzip it before it is handled
        self.started = 0  # perf_counter_ns when the head was read
        self.keep_alive = True  # the connection stays after the answer
        self.old = False  # HTTP/1.0, whose connections stay only when that is said
        self.id = ""
        self.trace = ""  # a valid traceparent
        self.shared: Headers = ()  # which other site's pages may read the answer
        self.route: Route | None = None
        self.refusal: Response | None = None  # its answer, where it is not to be handled
        self.rows = 0

    def echoes(self) -> Headers:
        """What any answer says of its request, beside the id."""
        if self.trace:
            return (*self.shared, (b"traceparent", self.trace.encode("ascii")))
        return self.shared


class Response:
    """One answer; `error` names what was wrong for log and metrics."""

    __slots__ = ("body", "error", "headers", "kind", "status")

    def __init__(
        self,
        body: bytes,
        *,
        status: int = 200,
        kind: str = JSON,
        headers: Headers = (),
        error: str = "",
    ) -> None:
        self.body = body
        self.status = status
        self.kind = kind
        self.headers = headers
        self.error = error

    def head(self, request: Request) -> Headers:
        """Every header that the application answers a request with."""
        return (
            (b"content-type", self.kind.encode("ascii")),
            (ID.encode("ascii"), request.id.encode("ascii")),
            *self.headers,
            *request.echoes(),
        )


Answer: TypeAlias = "Response | Coroutine[Any, Any, Response]"
Handler: TypeAlias = Callable[[Request], Answer]


class Route:
    """A path: its handler, the one method it takes, the media types of its body.

    `scores` marks the routes that ask the model: they want a key, and carry the model's identity.
    """

    __slots__ = ("handler", "media_types", "method", "name", "plain", "scores")

    def __init__(
        self,
        name: str,
        method: str,
        handler: Handler,
        *,
        scores: bool = False,
        media_types: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.method = method
        self.handler = handler
        self.scores = scores
        self.media_types = media_types
        self.plain = frozenset((None, *(kind.encode() for kind in media_types)))

    @property
    def allowed(self) -> str:
        """The Allow header: HEAD goes with GET."""
        return "GET, HEAD" if self.method == "GET" else self.method


class Application(Protocol):
    """What a server asks, for each request in this order; a refusal is an answer like any other."""

    def admit(self, request: Request) -> Response | None:
        """The refusal of a request that could only fail, by its head alone."""
        ...

    def handle(self, request: Request) -> Answer:
        """Answer an admitted request with its body, now or by a coroutine; nothing is raised."""
        ...

    def refuse(self, request: Request, rejection: Rejection) -> Response:
        """The answer to a request that the server itself refuses."""
        ...

    def answered(self, request: Request, response: Response) -> None:
        """An answer was written: it is counted and logged."""
        ...
