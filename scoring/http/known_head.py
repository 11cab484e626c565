"""A request's head that was parsed before: the next one of the same bytes is not parsed again.

Most clients send one head again and again, and change nothing in it but the body's length. What the
parser made of it is remembered, and nothing that was decided by it: the key, the route, the media
type and the limits are looked at anew.
"""

from __future__ import annotations

import re
from hmac import compare_digest

from scoring.routes.messages import Request

LONGEST = 2048
_MOST_DIGITS = 10
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)\r\n", re.IGNORECASE)
# A head with one of these does not come again.
_ONCE = frozenset((b"x-ms-request-id", b"traceparent"))


class KnownHead:
    """A head, cut in two where its body's length stands, and what was read from it."""

    __slots__ = ("_after", "_before", "_headers", "_keep_alive", "_longest", "_target")

    def __init__(self, before: bytes, after: bytes, request: Request) -> None:
        self._before = before
        self._after = after
        self._longest = len(before) + _MOST_DIGITS + len(after)
        self._target = request.method, request.path, request.query
        self._headers = request.headers
        self._keep_alive = request.keep_alive

    def again(self, data: memoryview) -> tuple[Request, bytes] | None:
        """A request and its body, where these bytes are this head and exactly such a body."""
        before, after = self._before, self._after
        head = bytes(data[: self._longest])
        end = head.find(b"\r", len(before))
        length = head[len(before) : end]
        start = end + len(after)
        # In constant time, as keys are compared: it may have been another client's.
        if (
            length.isdigit()
            and 0 < int(length) == len(data) - start
            and compare_digest(head[: len(before)], before)
            and compare_digest(head[end:start], after)
        ):
            request = Request(*self._target, {**self._headers, b"content-length": length})
            request.keep_alive = self._keep_alive
            return request, bytes(data[start:])
        return None


def learn(data: memoryview, request: Request, longest: int) -> KnownHead | None:
    """What the parser made of bytes that began with a request, for the next time.

    None where they hold anything else, where their head may not come again, or where it would not
    always be taken: a head may have `longest` bytes.
    """
    head = bytes(data[:LONGEST])
    # The parser takes no line that ends otherwise, so a head ends with the first empty one.
    end = head.find(b"\r\n\r\n") + 4
    length = _LENGTH.search(head, 0, end)
    if (
        length is None
        or request.old
        or not request.headers.keys().isdisjoint(_ONCE)
        or end + _MOST_DIGITS > longest
        or end + int(length[1]) != len(data)
    ):
        return None
    return KnownHead(head[: length.start(1)], head[length.end(1) : end], request)
