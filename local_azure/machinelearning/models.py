"""The model registry: assets, and numbered versions of named models."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_azure import clock
from local_azure.arm.bodies import parsed
from local_azure.arm.service import Lookup
from local_azure.machinelearning.addresses import WORKSPACE, bad_name, workspace_of
from local_azure.machinelearning.blobs import Blobs
from local_azure.machinelearning.errors import ModelManagementError
from local_azure.machinelearning.tables import Document, Tables, new_model

_BASE = "/modelmanagement/v1.0" + WORKSPACE
_PAGE = 100
_EXACT = ("name", "framework", "runId")
_SETTABLE = (
    *("description", "framework", "frameworkVersion", "mimeType", "unpack", "runId", "datasets"),
    *("experimentName", "parentModelId", "sampleInputData", "sampleOutputData"),
    *("resourceRequirements", "kvTags", "properties"),
)
_DICTIONARIES = ("kvTags", "properties")
_CHANGEABLE = (
    *(*_DICTIONARIES, "description", "datasets"),
    *("sampleInputData", "sampleOutputData", "resourceRequirements"),
)


@dataclass(frozen=True)
class Models:
    """The calls on models and assets; the token was checked before.

    Attributes:
        url: The stand-in's base URL.
        lookup: Finds workspaces.
        tables: What is remembered.
        blobs: The contents of artifacts.
    """

    url: str
    lookup: Lookup
    tables: Tables
    blobs: Blobs

    def routes(self) -> list[Route]:
        """The model management service's addresses."""
        return [
            Route(_BASE + "/assets", self.create_asset, methods=["POST"]),
            Route(_BASE + "/assets/{id}", self.asset),
            Route(_BASE + "/models", self.register, methods=["POST"]),
            Route(_BASE + "/models", self.list),
            Route(_BASE + "/models/{id}", self.model),
            Route(_BASE + "/models/{id}", self.patch, methods=["PATCH"]),
            Route(_BASE + "/models/{id}", self.delete, methods=["DELETE"]),
        ]

    async def create_asset(self, request: Request) -> Response:
        """Bind uploaded artifacts together."""
        workspace = workspace_of(request, self.lookup)
        body = _object(await request.body())
        prefixes = [each.get("prefix") for each in body.get("artifacts") or []]
        for prefix in prefixes:
            files = self.tables.artifacts(workspace.id, prefix) if prefix else []
            if not files or not all(self.blobs.exists(blob) for _, blob in files):
                raise ModelManagementError(
                    400, "ArtifactNotFound", f"The artifact '{prefix}' was not uploaded."
                )
        if not prefixes:
            raise ModelManagementError(400, "BadRequest", "An asset needs artifacts.")
        asset = {
            "id": uuid.uuid4().hex,
            "name": body.get("name"),
            "type": body.get("type"),
            "description": body.get("description"),
            "artifacts": body["artifacts"],
            "kvTags": body.get("kvTags") or {},
            "properties": body.get("properties") or {},
            "runid": body.get("runid"),
            "meta": body.get("meta") or {},
            "createdTime": clock.now(),
        }
        self.tables.put_asset(workspace.id, asset["id"], asset)
        return JSONResponse(asset)

    async def asset(self, request: Request) -> Response:
        """One asset."""
        workspace = workspace_of(request, self.lookup)
        identifier = request.path_params["id"]
        found = self.tables.asset(workspace.id, identifier)
        if found is None:
            raise ModelManagementError(
                404, "AssetNotFound", f"The asset '{identifier}' does not exist."
            )
        return JSONResponse(found)

    async def register(self, request: Request) -> Response:
        """The next version of a model."""
        workspace = workspace_of(request, self.lookup)
        body = _object(await request.body())
        name, url = body.get("name"), body.get("url")
        if not isinstance(name, str) or bad_name(name):
            raise ModelManagementError(400, "InvalidModelName", bad_name(str(name)))
        asset = url.removeprefix("aml://asset/") if isinstance(url, str) else ""
        if self.tables.asset(workspace.id, asset) is None:
            raise ModelManagementError(
                400, "AssetNotFound", f"The model's url '{url}' names no asset of this workspace."
            )
        version = self.tables.next_version(workspace.id, name)
        given = {field: body[field] for field in _SETTABLE if body.get(field) is not None}
        model = new_model(name, version, str(url)) | given
        self.tables.put_model(workspace.id, model)
        return JSONResponse(model)

    async def list(self, request: Request) -> Response:
        """Models by name, tags, properties, framework and run; newest first."""
        workspace = workspace_of(request, self.lookup)
        query = request.query_params
        found = [model for model in self.tables.models(workspace.id) if _matches(model, query)]
        if query.get("latestVersionOnly", "").lower() == "true":
            found = _latest(found)
        first, count = _number(query, "$skipToken", 0), _number(query, "count", _PAGE)
        page = found[first : first + count]
        following = None
        if first + count < len(found):
            rest = dict(query) | {"$skipToken": str(first + count)}
            following = f"{self.url}{request.scope['path']}?{urlencode(rest)}"
        return JSONResponse({"value": page, "nextLink": following})

    async def model(self, request: Request) -> Response:
        """One version, by `NAME:VERSION`."""
        return JSONResponse(self._found(request)[1])

    async def patch(self, request: Request) -> Response:
        """Change tags, add properties, change the description: steps of a JSON patch."""
        workspace, model = self._found(request)
        operations = parsed(await request.body())
        if not isinstance(operations, list):
            raise ModelManagementError(400, "BadRequest", "The body must be a JSON patch: a list.")
        for operation in operations:
            _apply(model, operation)
        model["modifiedTime"] = clock.now()
        self.tables.put_model(workspace, model)
        return JSONResponse(model)

    async def delete(self, request: Request) -> Response:
        """Forget one version."""
        self.tables.remove_model(*self._found(request))
        return Response(status_code=200)

    def _found(self, request: Request) -> tuple[str, Document]:
        """The workspace's id, and the model."""
        workspace = workspace_of(request, self.lookup)
        identifier = request.path_params["id"]
        name, _, version = identifier.rpartition(":")
        model = self.tables.model(workspace.id, name, version)
        if model is None:
            raise ModelManagementError(
                404, "ModelNotFound", f"The model '{identifier}' does not exist in this workspace."
            )
        return workspace.id, model


def _matches(model: Document, query: Mapping[str, str]) -> bool:
    return (
        all(query.get(each) in (None, "", model.get(each)) for each in _EXACT)
        and _has(model["kvTags"], query.get("tags", ""))
        and _has(model["properties"], query.get("properties", ""))
    )


def _has(pairs: Mapping[str, str], wanted: str) -> bool:
    """Whether all of `key=value,key,...` hold."""
    for term in filter(None, wanted.split(",")):
        key, equals, value = term.partition("=")
        if key not in pairs or (equals and str(pairs[key]) != value):
            return False
    return True


def _latest(models: list[Document]) -> list[Document]:
    highest: dict[str, Document] = {}
    for model in models:
        known = highest.get(model["name"])
        if known is None or model["version"] > known["version"]:
            highest[model["name"]] = model
    return list(highest.values())


def _apply(model: Document, operation: object) -> None:
    """One step of a JSON patch, as azureml-core sends it: a member that takes another value."""
    if not isinstance(operation, dict):
        raise ModelManagementError(400, "BadRequest", "A step of a JSON patch is an object.")
    op, path, value = (operation.get(each) for each in ("op", "path", "value"))
    field = str(path).removeprefix("/")
    right_kind = isinstance(value, dict) or field not in _DICTIONARIES
    if op not in ("add", "replace") or field not in _CHANGEABLE or not right_kind:
        raise ModelManagementError(
            400, "BadRequest", f"The patch step '{op} {path}' is not supported here."
        )
    if field == "properties" and isinstance(value, dict):
        for key, before in model[field].items():
            if value.get(key) != before:
                raise ModelManagementError(
                    400, "PropertyImmutable", f"The property '{key}' cannot be changed."
                )
    model[field] = value


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name) or str(default)
    if not text.isdecimal() or len(text) > 9:
        raise ModelManagementError(400, "BadRequest", f"{name}={text} is not a whole number.")
    return int(text)


def _object(content: bytes) -> Document:
    body = parsed(content)
    if not isinstance(body, dict):
        raise ModelManagementError(400, "BadRequest", "The body must be a JSON object.")
    return body
