"""The workspace resource: says where its services are, and takes its models along when it goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from local_azure.arm.errors import ArmError
from local_azure.arm.service import Body, Resource, Surroundings
from local_azure.home import kept_secret
from local_azure.machinelearning.addresses import TYPE
from local_azure.machinelearning.artifacts import Artifacts
from local_azure.machinelearning.blobs import Blobs
from local_azure.machinelearning.datastores import Datastores
from local_azure.machinelearning.model_versions import ModelVersions
from local_azure.machinelearning.models import Models
from local_azure.machinelearning.sas import Signer
from local_azure.machinelearning.storage import Storage
from local_azure.machinelearning.tables import Tables

_PARTS = ("storageAccount", "keyVault", "applicationInsights", "containerRegistry")
_SERVICES = ("api", "experimentation", "history", "hyperdrive", "modelmanagement", "studio")


@dataclass
class Workspaces:
    """The service behind `Microsoft.MachineLearningServices/workspaces`.

    Attributes:
        surroundings: What it works with.
    """

    surroundings: Surroundings
    type: str = field(default=TYPE, init=False)

    def __post_init__(self) -> None:
        key = kept_secret(self.surroundings.folder / "signing-key").encode()
        self.blobs = Blobs(self.surroundings.folder, Signer(key))
        self.tables = Tables(self.surroundings.database)

    async def put(self, resource: Resource, previous: Resource | None) -> Body:
        """Check that what it is to work with exists; nothing has to be built.

        Raises:
            ArmError: 400 `ValidationError`.
        """
        for name in _PARTS:
            part = resource.body.get("properties", {}).get(name)
            if part and self.surroundings.lookup.get(part) is None:
                raise ArmError(
                    400,
                    "ValidationError",
                    f"The workspace '{resource.name}' cannot be made: its {name} '{part}' does not "
                    "exist.",
                    f"properties.{name}",
                )
        return resource.body

    async def delete(self, resource: Resource) -> None:
        """Forget its models."""
        for blob in self.tables.remove_workspace(resource.id):
            self.blobs.remove(blob)

    async def show(self, resource: Resource) -> Body:
        """With the address of discovery, which moves with the stand-in's port."""
        url = f"{self.surroundings.url}/discovery"
        properties = {**resource.body.get("properties", {}), "discoveryUrl": url}
        return {**resource.body, "properties": properties}

    async def resume(self, resource: Resource) -> Body:
        """Nothing to bring back."""
        return resource.body

    def actions(self) -> Sequence[BaseRoute]:
        """Artifacts and models: these take ARM's tokens."""
        around = self.surroundings
        return [
            *Artifacts(around.url, around.lookup, self.tables, self.blobs).routes(),
            *Models(around.url, around.lookup, self.tables, self.blobs).routes(),
            *Datastores(around.url, around.lookup, self.blobs.signer).routes(),
            *ModelVersions(around.lookup, self.tables).routes(),
        ]

    def open_routes(self) -> Sequence[BaseRoute]:
        """Discovery, and the blobs, which take signatures."""
        storage = Storage(self.surroundings.lookup, self.tables, self.blobs)
        return [
            Route("/discovery", self._discover),
            *self.blobs.routes(),
            *storage.routes(),
        ]

    async def close(self) -> None:
        """Nothing is held."""

    async def _discover(self, _: Request) -> Response:
        return JSONResponse(dict.fromkeys(_SERVICES, self.surroundings.url))
