"""ARM's error envelope: the one place where errors become HTTP answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response


@dataclass
class ArmError(Exception):
    """What Azure would answer instead of a resource.

    Attributes:
        status: The HTTP status.
        code: Azure's error code, such as `ResourceNotFound`.
        message: One sentence for the user.
        target: The part of the request that is wrong, as a path in the body.
        details: Further errors of the same request.
        headers: Further headers of the answer.
    """

    status: int
    code: str
    message: str
    target: str | None = None
    details: Sequence[ArmError] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    def body(self) -> dict[str, Any]:
        """The error as it stands in the envelope, in a failed operation and in `details`."""
        shown: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.target:
            shown["target"] = self.target
        if self.details:
            shown["details"] = [detail.body() for detail in self.details]
        return shown

    def response(self) -> Response:
        """The HTTP answer: `{"error": {"code", "message", ...}}`."""
        headers = {"x-ms-failure-cause": "gateway", **self.headers}
        return JSONResponse({"error": self.body()}, self.status, headers)


async def arm_error(_: Request, error: Exception) -> Response:
    """Starlette's handler for `ArmError`."""
    assert isinstance(error, ArmError)  # noqa: S101 - registered for this class only
    return error.response()


async def http_error(request: Request, error: Exception) -> Response:
    """Starlette's handler for its own 404 and 405: also in ARM's envelope."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    path = request.url.path
    code, message = {
        404: ("NotFound", f"Nothing of the stand-in answers to '{path}'."),
        405: ("MethodNotAllowed", f"The method {request.method} is not allowed for '{path}'."),
    }.get(error.status_code, ("BadRequest", str(error.detail)))
    headers = dict(error.headers or {})
    return ArmError(error.status_code, code, message, headers=headers).response()


async def unexpected(request: Request, _: Exception) -> Response:
    """Starlette's handler for a defect of the stand-in; the traceback is in its log."""
    return ArmError(
        500,
        "InternalServerError",
        f"The stand-in failed at {request.method} {request.url.path}; its log has the reason.",
    ).response()


HANDLERS = {ArmError: arm_error, HTTPException: http_error, Exception: unexpected}
"""For `Starlette(exception_handlers=...)`."""
