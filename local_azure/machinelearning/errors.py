"""How Azure ML's services and Azure Storage say no; neither uses ARM's envelope."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import JSONResponse, Response


@dataclass
class ModelManagementError(Exception):
    """An error of the model registry: `{"code", "statusCode", "message", ...}`."""

    status: int
    code: str
    message: str

    def response(self, correlation: str = "") -> Response:
        """The HTTP answer."""
        return JSONResponse(
            {
                "code": self.code,
                "statusCode": self.status,
                "message": self.message,
                "details": [{"code": self.code, "message": self.message}],
                "correlation": {"RequestId": correlation},
            },
            self.status,
        )


@dataclass
class StorageError(Exception):
    """An error of blob storage: XML, and its code in a header."""

    status: int
    code: str
    message: str

    def response(self) -> Response:
        """The HTTP answer."""
        return Response(
            '<?xml version="1.0" encoding="utf-8"?>'
            f"<Error><Code>{escape(self.code)}</Code>"
            f"<Message>{escape(self.message)}</Message></Error>",
            self.status,
            {"x-ms-error-code": self.code, "x-ms-version": "2021-12-02"},
            "application/xml",
        )


async def model_management_error(request: Request, error: Exception) -> Response:
    """Starlette's handler for `ModelManagementError`."""
    assert isinstance(error, ModelManagementError)  # noqa: S101 - registered for this class only
    return error.response(request.headers.get("x-ms-client-request-id", ""))


async def storage_error(_: Request, error: Exception) -> Response:
    """Starlette's handler for `StorageError`."""
    assert isinstance(error, StorageError)  # noqa: S101 - registered for this class only
    return error.response()


HANDLERS = {ModelManagementError: model_management_error, StorageError: storage_error}
"""For `Starlette(exception_handlers=...)`."""
