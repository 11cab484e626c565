"""Models as resources of ARM, as azure-ai-ml asks for them: the same models as azureml-core's."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_azure import clock
from local_azure.arm.bodies import parsed
from local_azure.arm.errors import ArmError
from local_azure.arm.service import Lookup, Resource
from local_azure.machinelearning.addresses import TYPE, WORKSPACE, arm_workspace_of, bad_name
from local_azure.machinelearning.datastores import NAME as DATASTORE
from local_azure.machinelearning.tables import Document, Tables, new_model

_BASE = WORKSPACE + "/models"
_PATHS = f"/datastores/{DATASTORE}/paths/"
_KINDS = ("custom_model", "mlflow_model", "triton_model")


@dataclass(frozen=True)
class ModelVersions:
    """The calls on model containers and versions; the token was checked before.

    Attributes:
        lookup: Finds workspaces.
        tables: What is remembered.
    """

    lookup: Lookup
    tables: Tables

    def routes(self) -> list[Route]:
        """ARM's addresses."""
        one = _BASE + "/{name}/versions/{version}"
        return [
            Route(_BASE, self.containers),
            Route(_BASE + "/{name}", self.container),
            Route(_BASE + "/{name}/versions", self.list),
            Route(one, self.get),
            Route(one, self.put, methods=["PUT"]),
        ]

    async def containers(self, request: Request) -> Response:
        """Each name once, the one with the newest version first."""
        workspace = arm_workspace_of(request, self.lookup)
        names = dict.fromkeys(model["name"] for model in self.tables.models(workspace.id))
        return JSONResponse({"value": [self._container(workspace, name) for name in names]})

    async def container(self, request: Request) -> Response:
        """One name, with its latest and its next version."""
        workspace = arm_workspace_of(request, self.lookup)
        name = request.path_params["name"]
        if not self._versions(workspace, name):
            raise _not_found(f"The model container '{name}'")
        return JSONResponse(self._container(workspace, name))

    async def list(self, request: Request) -> Response:
        """The versions of one name, newest first; archived ones where they are asked for."""
        workspace = arm_workspace_of(request, self.lookup)
        query = request.query_params
        view = query.get("listViewType", "ActiveOnly")
        found = [
            model
            for model in self._versions(workspace, request.path_params["name"])
            if view == "All" or bool(model.get("archived")) == (view == "ArchivedOnly")
        ]
        if query.get("$orderBy", "").lower().endswith("asc"):
            found.reverse()
        top = query.get("$top", "")
        limit = int(top) if top.isdecimal() and len(top) < 10 else len(found)
        return JSONResponse({"value": [self._shown(workspace, each) for each in found[:limit]]})

    async def get(self, request: Request) -> Response:
        """One version."""
        workspace = arm_workspace_of(request, self.lookup)
        return JSONResponse(self._shown(workspace, self._found(workspace, request)))

    async def put(self, request: Request) -> Response:
        """Make a version of what was uploaded, or change its tags, description and stage."""
        workspace = arm_workspace_of(request, self.lookup)
        name, version = self._asked(request)
        body: Any = parsed(await request.body())
        properties = body.get("properties") if isinstance(body, dict) else None
        if not isinstance(properties, dict):
            raise ArmError(400, "BadRequest", "The body must have the object properties.")
        kind = properties.get("modelType") or _KINDS[0]
        if kind not in _KINDS:
            raise ArmError(400, "BadRequest", f"modelType '{kind}' is none of {', '.join(_KINDS)}.")
        prefix = self._uploaded(workspace, properties.get("modelUri"))
        before = self.tables.model(workspace.id, name, str(version))
        if before and self._prefix(workspace, before) != prefix:
            raise ArmError(400, "UserError", f"The path of {name}:{version} cannot be changed.")
        model = before or new_model(name, version, self._asset(workspace, name, prefix))
        model |= {
            "description": properties.get("description"),
            "kvTags": properties.get("tags") or {},
            "properties": {**model["properties"], **(properties.get("properties") or {})},
            "modifiedTime": clock.now(),
            "archived": bool(properties.get("isArchived")),
            "kind": kind,
        }
        self.tables.put_model(workspace.id, model)
        return JSONResponse(self._shown(workspace, model), 200 if before else 201)

    def _versions(self, workspace: Resource, name: str) -> list[Document]:
        return [model for model in self.tables.models(workspace.id) if model["name"] == name]

    def _asked(self, request: Request) -> tuple[str, int]:
        name, version = request.path_params["name"], request.path_params["version"]
        if said := bad_name(name):
            raise ArmError(400, "UserError", said)
        if not (version.isascii() and version.isdecimal() and 0 < len(version) < 10):
            raise ArmError(
                400, "UserError", f"The version '{version}' is no number; others are not served."
            )
        return name, int(version)

    def _found(self, workspace: Resource, request: Request) -> Document:
        name, version = request.path_params["name"], request.path_params["version"]
        model = self.tables.model(workspace.id, name, version)
        if model is None:
            raise _not_found(f"The model '{name}:{version}'")
        return model

    def _uploaded(self, workspace: Resource, uri: object) -> str:
        """The path in the datastore that a `modelUri` names and that has files."""
        before, found, prefix = str(uri or "").partition(_PATHS)
        prefix = prefix.rstrip("/")
        if not found or not before.startswith("azureml://") or not prefix:
            raise ArmError(400, "UserError", f"The modelUri '{uri}' names no path of {DATASTORE}.")
        if not self.tables.artifacts(workspace.id, prefix):
            raise ArmError(400, "UserError", f"The modelUri '{uri}' names nothing that is there.")
        return prefix

    def _asset(self, workspace: Resource, name: str, prefix: str) -> str:
        """The url of an asset, as azureml-core makes one, so that its clients find the files."""
        asset = {
            "id": str(uuid.uuid4()),
            "name": name,
            "artifacts": [{"prefix": prefix}],
            "kvTags": {},
            "properties": {},
        }
        self.tables.put_asset(workspace.id, asset["id"], asset)
        return f"aml://asset/{asset['id']}"

    def _prefix(self, workspace: Resource, model: Document) -> str:
        asset = self.tables.asset(workspace.id, str(model["url"]).removeprefix("aml://asset/"))
        first: Any = (asset or {}).get("artifacts") or [{}]
        return str(first[0].get("prefix") or "").rstrip("/")

    def _container(self, workspace: Resource, name: str) -> dict[str, Any]:
        latest = max(model["version"] for model in self._versions(workspace, name))
        return {
            "id": f"{workspace.id}/models/{name}",
            "name": name,
            "type": f"{TYPE}/models",
            "properties": {
                "description": None,
                "tags": {},
                "properties": {},
                "isArchived": False,
                "latestVersion": str(latest),
                "nextVersion": str(self.tables.next_version(workspace.id, name)),
            },
        }

    def _shown(self, workspace: Resource, model: Document) -> dict[str, Any]:
        prefix = self._prefix(workspace, model)
        created = {
            "createdAt": model["createdTime"],
            "createdBy": model["createdBy"]["userName"],
            "createdByType": "Application",
            "lastModifiedAt": model["modifiedTime"],
        }
        return {
            "id": f"{workspace.id}/models/{model['name']}/versions/{model['version']}",
            "name": str(model["version"]),
            "type": f"{TYPE}/models/versions",
            "properties": {
                "description": model.get("description"),
                "tags": model["kvTags"],
                "properties": model["properties"],
                "isArchived": bool(model.get("archived")),
                "isAnonymous": False,
                "flavors": {},
                "modelType": model.get("kind", _KINDS[0]),
                "modelUri": f"azureml:/{workspace.id}{_PATHS}{prefix}",
                "provisioningState": "Succeeded",
            },
            "systemData": created,
        }


def _not_found(what: str) -> ArmError:
    return ArmError(404, "UserError", f"{what} does not exist in this workspace.")
