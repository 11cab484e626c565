"""The artifact service: names for uploaded files, and links to their blobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_azure.arm.bodies import parsed
from local_azure.arm.service import Lookup
from local_azure.machinelearning.addresses import WORKSPACE, workspace_of
from local_azure.machinelearning.blobs import CONTAINER, Blobs
from local_azure.machinelearning.errors import ModelManagementError
from local_azure.machinelearning.sas import READ, WRITE
from local_azure.machinelearning.tables import Tables

_BASE = "/artifact/v2.0" + WORKSPACE + "/artifacts"


@dataclass(frozen=True)
class Artifacts:
    """The calls on artifacts; the token was checked before.

    Attributes:
        url: The stand-in's base URL.
        lookup: Finds workspaces.
        tables: What is remembered.
        blobs: The contents.
    """

    url: str
    lookup: Lookup
    tables: Tables
    blobs: Blobs

    def routes(self) -> list[Route]:
        """The artifact service's addresses."""
        return [
            Route(_BASE + "/batch/metadata/{origin}/{container}", self.create, methods=["POST"]),
            Route(_BASE + "/prefix/contentinfo/{origin}/{container}/{path:path}", self.under),
        ]

    async def create(self, request: Request) -> Response:
        """Name artifacts that have no content yet; answers with links to upload it."""
        workspace = workspace_of(request, self.lookup)
        body: Any = parsed(await request.body())
        origin, container = request.path_params["origin"], request.path_params["container"]
        try:
            paths = [str(each["path"]) for each in body["paths"]]
        except (KeyError, TypeError) as error:
            raise ModelManagementError(
                400, "BadRequest", 'The body must be {"paths": [{"path": "..."}]}.'
            ) from error
        artifacts: dict[str, Any] = {}
        contents: dict[str, Any] = {}
        for path in paths:
            whole = f"{origin}/{container}/{path}"
            blob = f"{workspace.body['properties']['workspaceId']}/{whole}"
            self.tables.put_artifact(workspace.id, whole, blob)
            artifacts[path] = {"artifactId": whole, **_parts(whole), "etag": ""}
            contents[path] = self._content(whole, blob, WRITE)
        return JSONResponse({"artifacts": artifacts, "artifactContentInformation": contents})

    async def under(self, request: Request) -> Response:
        """Links to download an artifact, or all under a path."""
        workspace = workspace_of(request, self.lookup)
        names = request.path_params
        whole = f"{names['origin']}/{names['container']}/{names['path']}"
        found = self.tables.artifacts(workspace.id, whole.rstrip("/"))
        return JSONResponse(
            {
                "value": [self._content(path, blob, READ) for path, blob in found],
                "continuationToken": None,
                "nextLink": None,
            }
        )

    def _content(self, whole: str, blob: str, permissions: str) -> dict[str, str]:
        link = self.blobs.signer.link(self.url, f"{CONTAINER}/{blob}", permissions)
        return {"contentUri": link, **_parts(whole)}


def _parts(whole: str) -> dict[str, str]:
    return dict(zip(("origin", "container", "path"), whole.split("/", 2), strict=True))
