"""What ARM tells about itself: tenants, subscriptions, regions, resource providers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_azure import types
from local_azure.arm.admission import Admission
from local_azure.arm.errors import ArmError
from local_azure.arm.requests import api_version
from local_azure.arm.subscriptions import Subscriptions

_BENEATH = ("Microsoft.Compute", "Microsoft.Network")
"""What a cluster's nodes are made of; the stand-in has no resources of them."""


@dataclass(frozen=True)
class Catalogue:
    """Read-only answers.

    Attributes:
        subscriptions: The one subscription and its tenant.
        admission: Which namespaces are registered, and whether the subscription is enabled.
    """

    subscriptions: Subscriptions
    admission: Admission

    def routes(self) -> list[Route]:
        """The catalogue's addresses."""
        one = "/subscriptions/{subscription}"
        return [
            Route("/tenants", self.tenants),
            Route("/subscriptions", self.all),
            Route(f"{one}/locations", self.locations),
            Route(f"{one}/providers", self.providers),
            Route(f"{one}/providers/{{namespace}}", self.provider),
            Route(f"{one}/providers/{{namespace}}/register", self.register, methods=["POST"]),
            Route("/providers", self.providers),
        ]

    async def tenants(self, request: Request) -> Response:
        """`GET /tenants`."""
        api_version(request)
        return JSONResponse({"value": [self.subscriptions.tenant_body()]})

    async def all(self, request: Request) -> Response:
        """`GET /subscriptions`."""
        api_version(request)
        count = {"type": "Total", "value": 1}
        return JSONResponse({"value": [self.subscriptions.body()], "count": count})

    async def locations(self, request: Request) -> Response:
        """`GET /subscriptions/{id}/locations`."""
        self._checked(request)
        return JSONResponse({"value": self.subscriptions.location_bodies()})

    async def providers(self, request: Request) -> Response:
        """`GET /subscriptions/{id}/providers`: every namespace."""
        self._checked(request)
        return JSONResponse({"value": [self._namespace(name) for name in _namespaces()]})

    async def register(self, request: Request) -> Response:
        """`POST .../register`: from now on its resources may be made."""
        self.admission.register(request.path_params["namespace"])
        return await self.provider(request)

    async def provider(self, request: Request) -> Response:
        """One namespace."""
        self._checked(request)
        wanted = request.path_params["namespace"]
        for namespace in _namespaces():
            if namespace.lower() == wanted.lower():
                return JSONResponse(self._namespace(namespace))
        raise ArmError(
            404,
            "InvalidResourceNamespace",
            f"The resource namespace '{wanted}' is not supported by the stand-in.",
        )

    def _checked(self, request: Request) -> None:
        api_version(request)
        if subscription := request.path_params.get("subscription"):
            self.subscriptions.check(subscription)

    def _namespace(self, namespace: str) -> dict[str, Any]:
        kinds = [k for k in types.all_types() if k.type.partition("/")[0] == namespace]
        return {
            "id": f"/subscriptions/{self.subscriptions.subscription}/providers/{namespace}",
            "namespace": namespace,
            "registrationState": (
                "Registered" if self.admission.is_registered(namespace) else "NotRegistered"
            ),
            "registrationPolicy": "RegistrationRequired",
            "resourceTypes": [
                {
                    "resourceType": kind.type.partition("/")[2],
                    "locations": list(self.subscriptions.locations),
                    "apiVersions": list(kind.api_versions),
                    "capabilities": "SupportsTags, SupportsLocation",
                }
                for kind in kinds
            ],
        }


def _namespaces() -> list[str]:
    return sorted({*_BENEATH, *(kind.type.partition("/")[0] for kind in types.all_types())})
