"""The OCI distribution protocol, version 1.1: blobs, uploads, manifests, tags, the catalogue."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route

from local_azure.registry import names
from local_azure.registry.errors import RegistryError
from local_azure.registry.login import Login
from local_azure.registry.manifests import MAX_MANIFEST
from local_azure.registry.pages import Page
from local_azure.registry.store import Store
from local_azure.registry.tokens import Scope
from local_azure.registry.uploads import Upload

_RANGE = re.compile(r"(?:bytes[ =])?(\d+)-(\d+)(?:/\S+)?")
_VERSION = {"Docker-Distribution-Api-Version": "registry/2.0"}


@dataclass(frozen=True)
class Distribution:
    """The routes under `/v2/` of one registry.

    Attributes:
        store: Its content.
        login: Says who may do what.
    """

    store: Store
    login: Login

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        name = "/v2/{name:path}"

        def route(path: str, answer: Callable[[Request], Awaitable[Response]], *methods: str):  # noqa: ANN202 - starlette's Route
            return Route(path, answer, methods=methods or ["GET"])

        return [
            route("/v2/", self._version),
            route("/v2/_catalog", self._catalog),
            route("/acr/v1/_catalog", self._catalog),
            route(f"{name}/tags/list", self._tags),
            route(f"{name}/blobs/uploads/", self._begin, "POST"),
            route(f"{name}/blobs/uploads/{{upload}}", self._upload, "PATCH", "PUT"),
            route(f"{name}/blobs/{{digest}}", self._blob),
            route(f"{name}/manifests/{{reference}}", self._read_manifest, "GET"),
            route(f"{name}/manifests/{{reference}}", self._put_manifest, "PUT"),
            route(f"{name}/manifests/{{reference}}", self._delete_manifest, "DELETE"),
        ]

    async def _version(self, request: Request) -> Response:
        self.login.check(request, None)
        return JSONResponse({}, headers=_VERSION)

    async def _catalog(self, request: Request) -> Response:
        self.login.check(request, Scope("registry", "catalog", frozenset("*")))
        page = Page.asked(request)
        found = self.store.repositories(page.after)
        shown, headers = page.cut(found, str)
        return JSONResponse({"repositories": shown}, headers=headers)

    async def _tags(self, request: Request) -> Response:
        name = self.login.repository(request, "pull")
        page = Page.asked(request)
        tags = [tag.name for tag in self.store.known(name).tags(page.after)]
        shown, headers = page.cut(tags, str)
        return JSONResponse({"name": name, "tags": shown}, headers=headers)

    async def _begin(self, request: Request) -> Response:
        """An upload, or none where another repository has the blob (`?mount=&from=`)."""
        name = self.login.repository(request, "pull", "push")
        mounted, source = (request.query_params.get(key, "") for key in ("mount", "from"))
        if mounted and source:
            digest, source = names.digest(mounted), names.repository(source)
            self.login.check(request, Scope("repository", source, frozenset({"pull"})))
            if self.store.mount(source, name, digest):
                return _created(f"/v2/{name}/blobs/{digest}", digest)
        return Response(status_code=202, headers=_where(self.store.uploads.begin(name)))

    async def _upload(self, request: Request) -> Response:
        """Add to an upload; finish it."""
        name = self.login.repository(request, "pull", "push")
        upload = self.store.uploads.find(request.path_params["upload"], name)
        if request.method == "PATCH":
            await self._fill(request, upload)
            return Response(status_code=202, headers=_where(upload))
        digest = names.digest(request.query_params.get("digest", ""))
        await self._fill(request, upload)
        self.store.finish(upload, digest)
        return _created(f"/v2/{name}/blobs/{digest}", digest)

    async def _fill(self, request: Request, upload: Upload) -> None:
        claimed = request.headers.get("content-range")
        if claimed is not None:
            match = _RANGE.fullmatch(claimed)
            if match is None or int(match[1]) != upload.size:
                raise RegistryError(
                    416,
                    "RANGE_INVALID",
                    f"The upload has {upload.size} bytes; Content-Range is '{claimed[:80]}'.",
                    _where(upload),
                )
        await upload.extend(request.stream())

    async def _blob(self, request: Request) -> Response:
        digest = names.digest(request.path_params["digest"])
        name = self.login.repository(request, "pull")
        headers = {"Docker-Content-Digest": digest, "ETag": f'"{digest}"'}
        path = self.store.blob(name, digest)
        return FileResponse(path, media_type="application/octet-stream", headers=headers)

    async def _read_manifest(self, request: Request) -> Response:
        name = self.login.repository(request, "pull")
        manifest, content = self.store.manifest(name, request.path_params["reference"])
        headers = {"Docker-Content-Digest": manifest.digest, "ETag": f'"{manifest.digest}"'}
        return Response(content, media_type=manifest.media_type, headers=headers)

    async def _put_manifest(self, request: Request) -> Response:
        name = self.login.repository(request, "pull", "push")
        content = bytearray()
        async for chunk in request.stream():
            content += chunk
            if len(content) > MAX_MANIFEST:
                raise RegistryError(
                    413, "SIZE_INVALID", f"A manifest may have {MAX_MANIFEST:,} bytes, not more."
                )
        content_type = request.headers.get("content-type", "")
        reference = request.path_params["reference"]
        digest = self.store.put_manifest(name, reference, bytes(content), content_type)
        return _created(f"/v2/{name}/manifests/{digest}", digest)

    async def _delete_manifest(self, request: Request) -> Response:
        name = self.login.repository(request, "delete")
        self.store.delete_manifest(name, request.path_params["reference"])
        return Response(status_code=202)


def _created(location: str, digest: str) -> Response:
    headers = {"Location": location, "Docker-Content-Digest": digest}
    return Response(status_code=201, headers=headers)


def _where(upload: Upload) -> dict[str, str]:
    """The headers that tell a client how to go on."""
    return {
        "Location": f"/v2/{upload.repository}/blobs/uploads/{upload.id}",
        "Docker-Upload-UUID": upload.id,
        "Range": f"0-{max(upload.size - 1, 0)}",
    }
