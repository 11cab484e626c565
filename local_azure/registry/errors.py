"""The distribution protocol's error envelope, which is not ARM's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response


@dataclass
class RegistryError(Exception):
    """What a registry answers instead of content.

    Attributes:
        status: The HTTP status.
        code: A code of the distribution specification, such as `MANIFEST_UNKNOWN`.
        message: One sentence for the user.
        headers: Further headers of the answer.
    """

    status: int
    code: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"

    def response(self) -> Response:
        """`{"errors": [{"code", "message"}]}`."""
        errors = [{"code": self.code, "message": self.message}]
        # Docker tells a registry by this header, also from its 401.
        headers = {"Docker-Distribution-Api-Version": "registry/2.0", **self.headers}
        return JSONResponse({"errors": errors}, self.status, headers)


def invalid_digest(message: str) -> RegistryError:
    """The content is not what the client says it is."""
    return RegistryError(400, "DIGEST_INVALID", message)


async def _registry_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, RegistryError)  # noqa: S101 - registered for this class only
    return error.response()


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    message = f"The registry does not answer {request.method} at '{request.url.path}'."
    return RegistryError(error.status_code, "UNSUPPORTED", message, error.headers or {}).response()


async def _unexpected(request: Request, _: Exception) -> Response:
    message = f"The registry failed at {request.method} {request.url.path}; see the stand-in's log."
    return RegistryError(500, "UNKNOWN", message).response()


HANDLERS = {RegistryError: _registry_error, HTTPException: _http_error, Exception: _unexpected}
"""For `Starlette(exception_handlers=...)`."""
