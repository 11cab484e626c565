"""One registry over HTTP: the OCI distribution specification 1.1, as far as images need it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from local_azure.registry.access import Access, DeniedError
from local_azure.registry.blobs import (
    DIGEST,
    LARGEST_MANIFEST,
    REPOSITORY,
    Blobs,
    ContentError,
)

_READ = ("GET", "HEAD")


class _Problem(Exception):  # noqa: N818 - it becomes an answer
    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass(frozen=True)
class Distribution:
    """The HTTP side of one registry.

    Attributes:
        blobs: Its content.
        access: Its tokens.
        anonymous_pull: Whether reading needs no token just now.
    """

    blobs: Blobs
    access: Access
    anonymous_pull: Callable[[], bool]

    def app(self) -> Starlette:
        """The ASGI application."""
        name = "{name:path}"
        return Starlette(
            routes=[
                Route("/oauth2/exchange", self.exchange, methods=["POST"]),
                Route("/oauth2/token", self.token, methods=["POST"]),
                Route("/v2/", self.version),
                Route("/v2/_catalog", self.catalog),
                Route(f"/v2/{name}/tags/list", self.tags),
                Route(f"/v2/{name}/blobs/uploads/", self.start, methods=["POST"]),
                Route(
                    f"/v2/{name}/blobs/uploads/{{upload}}",
                    self.upload,
                    methods=["GET", "PATCH", "PUT", "DELETE"],
                ),
                Route(f"/v2/{name}/blobs/{{digest}}", self.blob, methods=["GET", "HEAD"]),
                Route(
                    f"/v2/{name}/manifests/{{reference}}",
                    self.manifest,
                    methods=["GET", "HEAD", "PUT", "DELETE"],
                ),
            ],
            exception_handlers={_Problem: self._problem, DeniedError: self._denied},
        )

    async def exchange(self, request: Request) -> Response:
        """`POST /oauth2/exchange`."""
        return JSONResponse({"refresh_token": self.access.exchange(await _form(request))})

    async def token(self, request: Request) -> Response:
        """`POST /oauth2/token`."""
        return JSONResponse({"access_token": self.access.access(await _form(request))})

    async def version(self, request: Request) -> Response:
        """`GET /v2/`: any valid token will do."""
        self.access.check(request.headers.get("authorization"), "registry:catalog", "*")
        return JSONResponse({}, headers={"Docker-Distribution-API-Version": "registry/2.0"})

    async def catalog(self, request: Request) -> Response:
        """`GET /v2/_catalog`."""
        self.access.check(request.headers.get("authorization"), "registry:catalog", "*")
        return JSONResponse({"repositories": self.blobs.repositories()})

    async def tags(self, request: Request) -> Response:
        """`GET /v2/NAME/tags/list`."""
        name = self._allowed(request, "pull")
        return JSONResponse({"name": name, "tags": self.blobs.tags(name)})

    async def start(self, request: Request) -> Response:
        """`POST /v2/NAME/blobs/uploads/`."""
        name = self._allowed(request, "push")
        return self._uploading(name, self.blobs.start(), 0)

    async def upload(self, request: Request) -> Response:
        """Look at, add to, finish or cancel an upload."""
        name = self._allowed(request, "push")
        upload = request.path_params["upload"]
        size = self.blobs.uploaded(upload)
        if size is None:
            raise _Problem(404, "BLOB_UPLOAD_UNKNOWN", "there is no such upload")
        if request.method == "GET":
            return Response(status_code=204, headers={"Range": f"0-{max(size - 1, 0)}"})
        if request.method == "DELETE":
            self.blobs.cancel(upload)
            return Response(status_code=204)
        begins = re.match(r"(?:bytes )?(\d+)-", request.headers.get("content-range", ""))
        if begins and int(begins[1]) != size:
            raise _Problem(416, "RANGE_INVALID", f"the upload has {size} bytes")
        try:
            size = await self.blobs.append(upload, request.stream())
            if request.method == "PATCH":
                return self._uploading(name, upload, size)
            digest = request.query_params.get("digest", "")
            if not DIGEST.fullmatch(digest):
                raise _Problem(400, "DIGEST_INVALID", "the digest must be sha256:64 hex digits")
            self.blobs.finish(upload, digest)
        except ContentError as error:
            raise _Problem(400, "DIGEST_INVALID", str(error)) from error
        return Response(
            status_code=201,
            headers={"Location": f"/v2/{name}/blobs/{digest}", "Docker-Content-Digest": digest},
        )

    async def blob(self, request: Request) -> Response:
        """`GET` or `HEAD /v2/NAME/blobs/DIGEST`."""
        self._allowed(request, "pull")
        digest = request.path_params["digest"]
        if not DIGEST.fullmatch(digest) or not self.blobs.blob(digest).is_file():
            raise _Problem(404, "BLOB_UNKNOWN", "there is no such blob")
        return FileResponse(
            self.blobs.blob(digest),
            media_type="application/octet-stream",
            headers={"Docker-Content-Digest": digest},
        )

    async def manifest(self, request: Request) -> Response:
        """Read, write or delete a manifest."""
        action = {"PUT": "push", "DELETE": "delete"}.get(request.method, "pull")
        name = self._allowed(request, action)
        reference = request.path_params["reference"]
        if request.method == "PUT":
            content = await _body(request, LARGEST_MANIFEST)
            try:
                digest = self.blobs.put_manifest(name, reference, content)
            except ContentError as error:
                raise _Problem(400, "MANIFEST_INVALID", str(error)) from error
            location = f"/v2/{name}/manifests/{digest}"
            return Response(
                status_code=201,
                headers={"Location": location, "Docker-Content-Digest": digest},
            )
        if request.method == "DELETE" and self.blobs.delete_manifest(name, reference):
            return Response(status_code=202)
        found = self.blobs.manifest(name, reference)
        if found is None:
            raise _Problem(404, "MANIFEST_UNKNOWN", f"there is no manifest {reference} in {name}")
        digest, media_type, content = found
        headers = {"Docker-Content-Digest": digest}
        return Response(content, media_type=media_type, headers=headers)

    def _allowed(self, request: Request, action: str) -> str:
        name = request.path_params["name"]
        if not REPOSITORY.fullmatch(name) or len(name) > 255:
            raise _Problem(400, "NAME_INVALID", "this is no name of a repository")
        if not (action == "pull" and request.method in _READ and self.anonymous_pull()):
            try:
                authorization = request.headers.get("authorization")
                self.access.check(authorization, f"repository:{name}", action)
            except DeniedError as error:
                request.state.scope = f"repository:{name}:{action}"
                raise error
        return name

    def _uploading(self, name: str, upload: str, size: int) -> Response:
        headers = {
            "Location": f"/v2/{name}/blobs/uploads/{upload}",
            "Range": f"0-{max(size - 1, 0)}",
            "Docker-Upload-UUID": upload,
        }
        return Response(status_code=202, headers=headers)

    async def _denied(self, request: Request, error: Exception) -> Response:
        scope = getattr(request.state, "scope", "registry:catalog:*")
        challenge = (
            f'Bearer realm="https://{self.access.login_server}/oauth2/token",'
            f'service="{self.access.login_server}",scope="{scope}"'
        )
        headers = {"WWW-Authenticate": challenge}
        return JSONResponse(_errors("UNAUTHORIZED", str(error)), 401, headers)

    async def _problem(self, _: Request, error: Exception) -> Response:
        assert isinstance(error, _Problem)  # noqa: S101 - registered for this class only
        return JSONResponse(_errors(error.code, error.message), error.status)


def _errors(code: str, message: str) -> dict[str, Any]:
    return {"errors": [{"code": code, "message": message}]}


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await _body(request, 64 * 1024)).decode("ascii", "replace")))


async def _body(request: Request, largest: int) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > largest:
            raise _Problem(413, "SIZE_INVALID", f"at most {largest} bytes are taken")
    return bytes(content)
