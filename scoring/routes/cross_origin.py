"""Cross-origin resource sharing: which web pages of other sites may call. None by default.

Source: https://fetch.spec.whatwg.org/#http-cors-protocol.
"""

from __future__ import annotations

from scoring.routes.messages import Headers, Request, Response, Route

_ALLOWED: Headers = (
    (
        b"access-control-allow-headers",
        b"authorization, content-type, content-encoding, inference-header-content-length,"
        b" traceparent, x-ms-request-id",
    ),
    (b"access-control-max-age", b"600"),
)
_EXPOSED = (
    b"access-control-expose-headers",
    b"inference-header-content-length, retry-after, x-model-sha256, x-ms-request-id",
)
_VARY = (b"vary", b"origin")
_ORIGIN = b"access-control-allow-origin"


class CrossOrigin:
    """Marks the requests that come from an allowed page, so that their answers say so."""

    def __init__(self, origins: str) -> None:
        self._origins = frozenset(
            origin.strip().encode() for origin in origins.split(",") if origin.strip()
        )

    def mark(self, request: Request) -> None:
        """Remember what the answer says of the request's origin; does nothing where none may."""
        if not self._origins:
            return
        origin = request.headers.get(b"origin", b"")
        if b"*" in self._origins:
            request.shared = ((_ORIGIN, b"*"), _EXPOSED)
        elif origin in self._origins:
            request.shared = ((_ORIGIN, origin), _VARY, _EXPOSED)
        else:
            request.shared = (_VARY,)

    def preflight(self, request: Request) -> bool:
        """Whether a browser asks if it may send a request; its route then says so."""
        if not self._origins or b"access-control-request-method" not in request.headers:
            return False
        route = request.route
        methods = route.allowed if route else ""
        headers = ((b"access-control-allow-methods", methods.encode()), *_ALLOWED)
        request.route = Route(
            route.name if route else "", "OPTIONS", lambda _: Response(b"", headers=headers)
        )
        return True
