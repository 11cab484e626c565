"""A workspace's container in blob storage, as azure-storage-blob speaks to it.

The files are the same as those behind azureml-core's links; here they have names that are listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from local_azure.arm.service import Lookup, Resource
from local_azure.machinelearning.addresses import TYPE
from local_azure.machinelearning.blobs import Blobs
from local_azure.machinelearning.errors import StorageError
from local_azure.machinelearning.sas import LIST, VERSION, WRITE
from local_azure.machinelearning.tables import Tables

PREFIX = "azureml-blobstore-"
_BASE = "/blobs/{host}/{container}"


def container_of(workspace: Resource) -> str:
    """The name of a workspace's container."""
    return f"{PREFIX}{workspace.body['properties']['workspaceId']}"


@dataclass(frozen=True)
class Storage:
    """The calls on containers; they take signatures, no tokens.

    Attributes:
        lookup: Finds workspaces.
        tables: The names of blobs.
        blobs: Their contents.
    """

    lookup: Lookup
    tables: Tables
    blobs: Blobs

    def routes(self) -> list[Route]:
        """One address for a container, one for its blobs."""
        return [
            Route(_BASE, self.list),
            Route(_BASE + "/{name:path}", self.answer, methods=["GET", "HEAD", "PUT"]),
        ]

    async def list(self, request: Request) -> Response:
        """The blobs under a prefix, or what there is up to a delimiter."""
        query = request.query_params
        workspace = self._workspace(request, LIST)
        if query.get("comp") != "list":
            raise StorageError(400, "InvalidQueryParameterValue", "Only comp=list is served here.")
        wanted, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        found = [
            (path, blob)
            for path, blob in self.tables.all_artifacts(workspace.id)
            if path.startswith(wanted) and self.blobs.exists(blob)
        ]
        parts: dict[str, str] = {}
        for path, blob in found:
            head, cut, _ = path[len(wanted) :].partition(delimiter) if delimiter else ("", "", "")
            name = f"{wanted}{head}{cut}" if cut else path
            parts.setdefault(name, _prefix(name) if cut else self._listed(path, blob))
        return _xml(query.get("prefix", ""), list(parts.values()))

    async def answer(self, request: Request) -> Response:
        """Upload or download a blob, or note its metadata."""
        name = request.path_params["name"]
        writes = request.method == "PUT"
        workspace = self._workspace(request, WRITE[-1] if writes else "r")
        blob = f"{workspace.body['properties']['workspaceId']}/{name}"
        if writes and not name.strip("/"):
            raise StorageError(400, "InvalidUri", "A blob has a name.")
        done = await self.blobs.handle(request, blob)
        if writes:
            self.tables.put_artifact(workspace.id, name, blob)
        return done

    def _workspace(self, request: Request, permission: str) -> Resource:
        container = request.path_params["container"]
        self.blobs.signer.check(container, permission, request.query_params)
        for workspace in self.lookup.list(TYPE):
            if container_of(workspace) == container:
                return workspace
        raise StorageError(404, "ContainerNotFound", "The specified container does not exist.")

    def _listed(self, path: str, blob: str) -> str:
        size, headers = self.blobs.facts(blob)
        return (
            f"<Blob><Name>{escape(path)}</Name><Properties>"
            f"<Last-Modified>{headers['Last-Modified']}</Last-Modified>"
            f"<Etag>{escape(headers['ETag'])}</Etag><Content-Length>{size}</Content-Length>"
            "<Content-Type>application/octet-stream</Content-Type>"
            "<BlobType>BlockBlob</BlobType></Properties></Blob>"
        )


def _prefix(name: str) -> str:
    return f"<BlobPrefix><Name>{escape(name)}</Name></BlobPrefix>"


def _xml(prefix: str, parts: Sequence[str]) -> Response:
    text = (
        '<?xml version="1.0" encoding="utf-8"?><EnumerationResults>'
        f"<Prefix>{escape(prefix)}</Prefix><Blobs>{''.join(parts)}</Blobs>"
        "<NextMarker/></EnumerationResults>"
    )
    return Response(text, 200, {"x-ms-version": VERSION}, "application/xml")
