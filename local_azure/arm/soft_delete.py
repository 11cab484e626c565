"""Soft-deleted vaults, as `azure-mgmt-keyvault` lists, shows and purges them, and workspaces."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_azure import clock
from local_azure.arm.errors import ArmError
from local_azure.arm.names import VAULTS, WORKSPACES, Names
from local_azure.arm.operations import Operations
from local_azure.arm.requests import admitted, known_type
from local_azure.arm.service import Body
from local_azure.arm.store import SoftDeleted

_VAULTS = "/subscriptions/{subscription}/providers/Microsoft.KeyVault/deletedVaults"
_HSMS = "/subscriptions/{subscription}/providers/Microsoft.KeyVault/deletedManagedHSMs"
_WORKSPACES = (
    "/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices/deletedWorkspaces"
)
_VAULT = (
    "/subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{location}"
    "/deletedVaults/{name}"
)


@dataclass(frozen=True)
class SoftDeletes:
    """The calls on deleted vaults.

    Attributes:
        names: Keeps them.
        operations: Purging is an operation.
    """

    names: Names
    operations: Operations

    def routes(self) -> list[Route]:
        """List, get and purge."""
        return [
            Route(_VAULTS, self.list),
            Route(_HSMS, self.hsms),
            Route(_WORKSPACES, self.workspaces),
            Route(_VAULT, self.get),
            Route(_VAULT + "/purge", self.purge, methods=["POST"]),
        ]

    async def list(self, request: Request) -> Response:
        """All deleted vaults of the subscription."""
        self._checked(request)
        kept = self.names.store.soft_deleted(VAULTS)
        return JSONResponse({"value": [_vault(each) for each in kept]})

    async def hsms(self, request: Request) -> Response:
        """No managed HSM exists here; `az keyvault` asks for them beside the vaults."""
        self._checked(request)
        return JSONResponse({"value": []})

    async def workspaces(self, request: Request) -> Response:
        """All deleted workspaces: in no reference, but read by people's own scripts."""
        self._checked(request, WORKSPACES)
        kept = [each.resource for each in self.names.store.soft_deleted(WORKSPACES)]
        return JSONResponse(
            {"value": [{**each.body, "id": each.id, "name": each.name} for each in kept]}
        )

    async def get(self, request: Request) -> Response:
        """One of them, by location and name."""
        self._checked(request)
        return JSONResponse(_vault(self._one(request)))

    async def purge(self, request: Request) -> Response:
        """Forget it for good; refused while purge protection is on."""
        version = self._checked(request)
        kept = self._one(request)
        self.names.purge(kept)
        identifier = self.operations.start(kept.resource.id, _nothing())
        headers = self.operations.headers(identifier, version, status=False)
        return Response(status_code=202, headers=headers)

    def _checked(self, request: Request, type_name: str = VAULTS) -> str:
        version = admitted(request)
        known_type(type_name, version)
        self.names.expire()
        return version

    def _one(self, request: Request) -> SoftDeleted:
        name, location = request.path_params["name"], request.path_params["location"]
        for kept in self.names.store.soft_deleted(VAULTS, name):
            if kept.resource.body.get("location") == location.lower():
                return kept
        raise ArmError(
            404,
            "DeletedVaultNotFound",
            f"The specified deleted vault '{name}' does not exist in '{location}'.",
        )


async def _nothing() -> None:
    """A purge is done when it is accepted."""


def _vault(kept: SoftDeleted) -> Body:
    resource = kept.resource
    location = resource.body.get("location", "")
    subscription = resource.id.split("/")[2]
    return {
        "id": f"/subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{location}"
        f"/deletedVaults/{resource.name}",
        "name": resource.name,
        "type": "Microsoft.KeyVault/deletedVaults",
        "properties": {
            "vaultId": resource.id,
            "location": location,
            "tags": resource.body.get("tags", {}),
            "deletionDate": clock.iso(kept.deleted),
            "scheduledPurgeDate": clock.iso(kept.purge),
            "purgeProtectionEnabled": resource.body.get("properties", {}).get(
                "enablePurgeProtection", False
            ),
        },
    }
