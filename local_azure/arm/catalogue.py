"""What ARM tells about itself: subscriptions, resource providers."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_azure import types
from local_azure.arm.admission import Admission
from local_azure.arm.errors import ArmError
from local_azure.arm.requests import admitted, api_version
from local_azure.arm.service import Body
from local_azure.arm.subscriptions import REGIONS, SUBSCRIPTION, TENANT

_BENEATH = ("Microsoft.Compute", "Microsoft.Network")
"""What a cluster's nodes are made of; the stand-in has no resources of them."""


@dataclass(frozen=True)
class Catalogue:
    """Read-only answers.

    Attributes:
        admission: Which namespaces are registered, and whether the subscription is enabled.
    """

    admission: Admission

    def routes(self) -> list[Route]:
        """The catalogue's addresses."""
        one = "/subscriptions/{subscription}"
        return [
            Route("/subscriptions", self.subscriptions),
            Route(one, self.subscription),
            Route(f"{one}/providers", self.providers),
            Route(f"{one}/providers/{{namespace}}", self.provider),
            Route(f"{one}/providers/{{namespace}}/register", self.register, methods=["POST"]),
        ]

    async def subscriptions(self, request: Request) -> Response:
        """`GET /subscriptions`."""
        api_version(request)
        count = {"type": "Total", "value": 1}
        return JSONResponse({"value": [self._subscription()], "count": count})

    async def subscription(self, request: Request) -> Response:
        """`GET /subscriptions/{id}`."""
        admitted(request)
        return JSONResponse(self._subscription())

    async def providers(self, request: Request) -> Response:
        """`GET /subscriptions/{id}/providers`: every namespace."""
        admitted(request)
        return JSONResponse({"value": [self._namespace(name) for name in _namespaces()]})

    async def register(self, request: Request) -> Response:
        """`POST .../register`: from now on its resources may be made."""
        self.admission.register(request.path_params["namespace"])
        return await self.provider(request)

    async def provider(self, request: Request) -> Response:
        """One namespace."""
        admitted(request)
        wanted = request.path_params["namespace"]
        for namespace in _namespaces():
            if namespace.lower() == wanted.lower():
                return JSONResponse(self._namespace(namespace))
        raise ArmError(
            404,
            "InvalidResourceNamespace",
            f"The resource namespace '{wanted}' is not supported by the stand-in.",
        )

    def _subscription(self) -> Body:
        disabled = self.admission.conditions().disabledSubscription
        return {
            "id": f"/subscriptions/{SUBSCRIPTION}",
            "subscriptionId": SUBSCRIPTION,
            "tenantId": TENANT,
            "displayName": "Local stand-in",
            "state": "Disabled" if disabled else "Enabled",
            "subscriptionPolicies": {
                "locationPlacementId": "Public_2014-09-01",
                "quotaId": "Local_2026-01-01",
                "spendingLimit": "Off",
            },
            "authorizationSource": "RoleBased",
            "managedByTenants": [],
        }

    def _namespace(self, namespace: str) -> Body:
        kinds = [k for k in types.all_types() if k.type.partition("/")[0] == namespace]
        return {
            "id": f"/subscriptions/{SUBSCRIPTION}/providers/{namespace}",
            "namespace": namespace,
            "registrationState": (
                "Registered" if self.admission.is_registered(namespace) else "NotRegistered"
            ),
            "registrationPolicy": "RegistrationRequired",
            "resourceTypes": [
                {
                    "resourceType": kind.type.partition("/")[2],
                    "locations": list(REGIONS),
                    "apiVersions": list(kind.api_versions),
                    "capabilities": "SupportsTags, SupportsLocation",
                }
                for kind in kinds
            ],
        }


def _namespaces() -> list[str]:
    return sorted({*_BENEATH, *(kind.type.partition("/")[0] for kind in types.all_types())})
