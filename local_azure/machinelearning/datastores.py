"""Datastores: where azure-ai-ml puts a model's files, and what lets it in."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_azure.arm.errors import ArmError
from local_azure.arm.service import Lookup, Resource
from local_azure.machinelearning.addresses import WORKSPACE, arm_workspace_of
from local_azure.machinelearning.sas import Signer
from local_azure.machinelearning.storage import container_of

NAME = "workspaceblobstore"
"""The one datastore, which is the default."""

ACCOUNT = "workspace"
_BASE = WORKSPACE + "/datastores/{datastore}"


@dataclass(frozen=True)
class Datastores:
    """The calls on datastores; the token was checked before.

    Attributes:
        url: The stand-in's base URL.
        lookup: Finds workspaces.
        signer: Signs what lets a client in.
    """

    url: str
    lookup: Lookup
    signer: Signer

    def routes(self) -> list[Route]:
        """ARM's addresses."""
        return [
            Route(_BASE, self.get),
            Route(_BASE + "/listSecrets", self.secrets, methods=["POST"]),
        ]

    async def get(self, request: Request) -> Response:
        """Account and container; no secret."""
        workspace = self._named(request)
        return JSONResponse(
            {
                "id": f"{workspace.id}/datastores/{NAME}",
                "name": NAME,
                "type": "Microsoft.MachineLearningServices/workspaces/datastores",
                "properties": {
                    "datastoreType": "AzureBlob",
                    "isDefault": True,
                    # The client writes https://ACCOUNT.blob.SUFFIX/: with a path in the account no
                    # name service is asked.
                    "accountName": f"{urlsplit(self.url).netloc}/blobs/{ACCOUNT}",
                    "containerName": container_of(workspace),
                    "endpoint": "core.windows.net",
                    "protocol": "https",
                    "serviceDataAccessAuthIdentity": "None",
                    "credentials": {"credentialsType": "Sas"},
                    "properties": {},
                    "tags": {},
                },
            }
        )

    async def secrets(self, request: Request) -> Response:
        """A shared access signature for the container, good for an hour."""
        container = container_of(self._named(request))
        return JSONResponse({"secretsType": "Sas", "sasToken": self.signer.container(container)})

    def _named(self, request: Request) -> Resource:
        workspace = arm_workspace_of(request, self.lookup)
        asked = request.path_params["datastore"]
        if asked != NAME:
            raise ArmError(
                404, "UserError", f"The datastore '{asked}' does not exist; there is {NAME} alone."
            )
        return workspace
