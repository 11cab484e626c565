"""A request as the connection read it, and a response as it is written."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any, TypeAlias

JSON = "application/json"
REASONS = {status.value: status.phrase for status in HTTPStatus}
# A large body is a view of memory that was filled as it arrived.
Content: TypeAlias = bytes | bytearray | memoryview


class Request:
    """One request. Header names are lower case; a body is whole and unzipped."""

    __slots__ = (
        "body",
        "headers",
        "id",
        "keep_alive",
        "method",
        "old",
        "path",
        "query",
        "route",
        "rows",
        "started",
        "trace",
    )

    def __init__(self, method: str, path: str, query: str, headers: dict[bytes, bytes]) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body: Content = b""
        self.started = 0  # perf_counter_ns when the head was read
        self.keep_alive = True  # the connection stays after the answer
        self.old = False  # HTTP/1.0, whose connections stay only when that is said
        self.id = ""
        self.trace = ""  # a valid traceparent
        self.route: Route | None = None
        self.rows = 0


class Response:
    """One answer; `headers` holds whole lines, `error` names what was wrong for log and metrics."""

    __slots__ = ("body", "error", "headers", "kind", "status")

    def __init__(
        self,
        body: bytes,
        *,
        status: int = 200,
        kind: str = JSON,
        headers: str = "",
        error: str = "",
    ) -> None:
        self.body = body
        self.status = status
        self.kind = kind
        self.headers = headers
        self.error = error


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
