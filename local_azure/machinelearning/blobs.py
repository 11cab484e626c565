"""Blob storage, as much of it as uploads and downloads of models need: block blobs behind links."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Any

import defusedxml.ElementTree
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from local_azure.machinelearning.errors import StorageError
from local_azure.machinelearning.sas import Signer

CONTAINER = "azureml"
MAX_BLOB = 2 * 1024**3
"""Bytes of a whole blob; Azure's own limit is far above, this disk's is not."""

_TOO_LARGE = f"A blob is at most {MAX_BLOB:,} bytes here."
_METADATA = "x-ms-meta-"
MAX_BLOCK_LIST = 1024**2
"""Bytes of a block list's XML."""


@dataclass(frozen=True)
class Blobs:
    """Blobs as files: the content of `NAME` lies in a file named by the hash of `NAME`.

    Attributes:
        folder: Where the files are.
        signer: Checks the links.
    """

    folder: Path
    signer: Signer

    def routes(self) -> list[Route]:
        """One address per blob."""
        address = f"/{CONTAINER}/{{name:path}}"
        return [Route(address, self.answer, methods=["GET", "HEAD", "PUT"])]

    async def answer(self, request: Request) -> Response:
        """Upload or download, as far as the link allows."""
        name = request.path_params["name"]
        needed = {"PUT": "w", "GET": "r"}.get(request.method, "")
        self.signer.check(f"{CONTAINER}/{name}", needed, request.query_params)
        return await self.handle(request, name)

    async def handle(self, request: Request, name: str) -> Response:
        """Upload or download for a request that was let in."""
        query = request.query_params
        if request.method == "PUT":
            match query.get("comp"):
                case None:
                    return await self._put(request, name)
                case "block":
                    return await self._put_block(request, name, query.get("blockid", ""))
                case "blocklist":
                    return await self._commit(request, name)
                case "metadata":
                    return self._note(request, name)
                case other:
                    raise StorageError(
                        400, "InvalidQueryParameterValue", f"comp={other} is not supported here."
                    )
        return self._get(request, name)

    def exists(self, name: str) -> bool:
        """Whether a blob was uploaded."""
        return self._content(name).is_file()

    def facts(self, name: str) -> tuple[int, dict[str, str]]:
        """Bytes of an uploaded blob, and its `ETag` and `Last-Modified`."""
        content = self._content(name)
        return content.stat().st_size, _tags(content)

    def remove(self, name: str) -> None:
        """Forget a blob and its blocks."""
        self._content(name).unlink(missing_ok=True)
        self._metadata(name).unlink(missing_ok=True)
        shutil.rmtree(self._blocks(name), ignore_errors=True)

    async def _put(self, request: Request, name: str) -> Response:
        target = self._content(name)
        if request.headers.get("x-ms-blob-type") != "BlockBlob":
            raise StorageError(
                400, "InvalidHeaderValue", "Only x-ms-blob-type: BlockBlob is supported here."
            )
        if request.headers.get("if-none-match") == "*" and target.exists():
            raise StorageError(409, "BlobAlreadyExists", "The specified blob already exists.")
        md5 = await _received(request, target)
        self._write_metadata(request, name)
        return Response(status_code=201, headers=_tags(target) | {"Content-MD5": md5})

    async def _put_block(self, request: Request, name: str, block: str) -> Response:
        if not block:
            raise StorageError(400, "InvalidQueryParameterValue", "The blockid is missing.")
        folder = self._blocks(name)
        folder.mkdir(parents=True, exist_ok=True)
        md5 = await _received(request, folder / _hashed(block))
        return Response(status_code=201, headers={"Content-MD5": md5})

    async def _commit(self, request: Request, name: str) -> Response:
        too_large = "The block list is too large."
        received = _bounded(request, MAX_BLOCK_LIST, too_large)
        content = b"".join([chunk async for chunk in received])
        try:
            listed: Any = defusedxml.ElementTree.fromstring(content)
        except (defusedxml.ElementTree.ParseError, defusedxml.DefusedXmlException) as error:
            raise StorageError(400, "InvalidXmlDocument", f"The block list: {error}.") from error
        blocks = [self._blocks(name) / _hashed(each.text or "") for each in listed]
        if not all(block.is_file() for block in blocks):
            raise StorageError(
                400, "InvalidBlockList", "The block list names a block that was not uploaded."
            )
        if sum(block.stat().st_size for block in blocks) > MAX_BLOB:
            raise StorageError(413, "RequestBodyTooLarge", _TOO_LARGE)
        target = self._content(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f"{target.name}.{uuid.uuid4().hex}")
        with temporary.open("wb") as whole:
            for block in blocks:
                with block.open("rb") as part:
                    shutil.copyfileobj(part, whole)
        temporary.replace(target)
        shutil.rmtree(self._blocks(name), ignore_errors=True)
        self._write_metadata(request, name)
        return Response(status_code=201, headers=_tags(target))

    def _note(self, request: Request, name: str) -> Response:
        content = self._existing(name)
        self._write_metadata(request, name)
        return Response(status_code=200, headers=_tags(content))

    def _write_metadata(self, request: Request, name: str) -> None:
        """The headers that a client gives take the place of what was there."""
        found = {key: text for key, text in request.headers.items() if key.startswith(_METADATA)}
        file = self._metadata(name)
        if found:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(found), encoding="utf-8")
        else:
            file.unlink(missing_ok=True)

    def _read_metadata(self, name: str) -> dict[str, str]:
        try:
            return json.loads(self._metadata(name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}

    def _get(self, request: Request, name: str) -> Response:
        content = self._existing(name)
        if wanted := request.headers.get("x-ms-range"):
            headers = [(k, v) for k, v in request.scope["headers"] if k != b"range"]
            request.scope["headers"] = [*headers, (b"range", wanted.encode())]
        tags = (
            _tags(content)
            | self._read_metadata(name)
            | {"x-ms-blob-type": "BlockBlob", "x-ms-version": "2021-12-02"}
        )
        return FileResponse(content, 200, tags, "application/octet-stream")

    def _existing(self, name: str) -> Path:
        content = self._content(name)
        if not content.is_file():
            raise StorageError(404, "BlobNotFound", "The specified blob does not exist.")
        return content

    def _content(self, name: str) -> Path:
        return self.folder / "blobs" / _hashed(name)

    def _metadata(self, name: str) -> Path:
        return self.folder / "metadata" / _hashed(name)

    def _blocks(self, name: str) -> Path:
        return self.folder / "blocks" / _hashed(name)


async def _received(request: Request, target: Path) -> str:
    """Write a request's body to a file, whole or not at all; returns its MD5 in base64.

    Raises:
        StorageError: 413 too large, 400 `Md5Mismatch`.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f"{target.name}.{uuid.uuid4().hex}")
    digest = hashlib.md5(usedforsecurity=False)
    try:
        with temporary.open("wb") as file:
            async for chunk in _bounded(request, MAX_BLOB, _TOO_LARGE):
                digest.update(chunk)
                file.write(chunk)
        md5 = base64.b64encode(digest.digest()).decode()
        if request.headers.get("content-md5", md5) != md5:
            raise StorageError(
                400, "Md5Mismatch", "The MD5 of the content is not the one in Content-MD5."
            )
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return md5


async def _bounded(request: Request, most: int, refusal: str) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise StorageError(413, "RequestBodyTooLarge", refusal)
        yield chunk


def _tags(path: Path) -> dict[str, str]:
    status = path.stat()
    return {
        "ETag": f'"0x{status.st_mtime_ns:X}"',
        "Last-Modified": formatdate(status.st_mtime, usegmt=True),
    }


def _hashed(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()
