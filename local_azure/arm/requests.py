"""What every ARM request must have: a token, a known type and API version, a bounded body."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local_azure import types
from local_azure.arm.errors import ArmError
from local_azure.arm.ids import GROUPS
from local_azure.arm.subscriptions import check_subscription
from local_azure.arm.tokens import Tokens
from local_azure.types import ResourceType

MAX_BODY = 4 * 1024 * 1024
"""Bytes of a request to ARM; Azure's own limit."""


def api_version(request: Request) -> str:
    """The version that the client asks for.

    Raises:
        ArmError: 400 `MissingApiVersionParameter`.
    """
    version = request.query_params.get("api-version", "")
    if not version:
        raise ArmError(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    return version


def admitted(request: Request) -> str:
    """The API version of a request to the one subscription, which its path names.

    Raises:
        ArmError: 400 `MissingApiVersionParameter`, 404 `SubscriptionNotFound`.
    """
    version = api_version(request)
    check_subscription(request.path_params["subscription"])
    return version


def known_type(type_name: str, version: str) -> ResourceType:
    """The type, which must be supported at this API version.

    Raises:
        ArmError: 404 `InvalidResourceNamespace`, 404 `InvalidResourceType`, 400
            `InvalidApiVersionParameter`, 400 `NoRegisteredProviderFound`.
    """
    kind = types.find(type_name)
    if kind is None:
        namespace, _, rest = type_name.partition("/")
        known = [each.type for each in types.all_types()]
        siblings = [name for name in known if name.lower().startswith(namespace.lower() + "/")]
        if not siblings:
            raise ArmError(
                404,
                "InvalidResourceNamespace",
                f"The resource namespace '{namespace}' is not supported by the stand-in.",
            )
        raise ArmError(
            404,
            "InvalidResourceType",
            f"The resource type '{rest}' could not be found in the namespace '{namespace}' for api "
            f"version '{version}'. The stand-in supports: {', '.join(siblings)}.",
        )
    if not kind.accepts(version):
        supported = ", ".join(kind.api_versions)
        if kind.type == GROUPS:
            raise ArmError(
                400,
                "InvalidApiVersionParameter",
                f"The api-version '{version}' is invalid. "
                f"The supported versions are '{supported}' and newer ones.",
            )
        raise ArmError(
            400,
            "NoRegisteredProviderFound",
            f"No registered resource provider found for API version '{version}' for type "
            f"'{kind.type}'. The supported api-versions are '{supported}' and newer ones.",
        )
    return kind


@dataclass(frozen=True)
class Authenticated:
    """ASGI middleware: nothing behind it is reached without a good token."""

    app: ASGIApp
    tokens: Tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the `Authorization` header; a refusal is an `ArmError` 401."""
        if scope["type"] == "http":
            header = Request(scope).headers.get("authorization")
            scope.setdefault("state", {})["claims"] = self.tokens.authenticate(header)
        await self.app(scope, receive, send)


@dataclass(frozen=True)
class Bounded:
    """ASGI middleware: a request body of more than `limit` bytes is refused while it comes in."""

    app: ASGIApp
    limit: int = MAX_BODY

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse by the declared length at once, by the received length otherwise."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = Request(scope).headers.get("content-length", "0")
        if not declared.isdigit() or int(declared) > self.limit:
            raise self._too_large()
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.limit:
                raise self._too_large()
            return message

        await self.app(scope, counted, send)

    def _too_large(self) -> ArmError:
        return ArmError(
            413,
            "RequestContentTooLarge",
            f"The request content is larger than the limit of {self.limit:,} bytes.",
        )
