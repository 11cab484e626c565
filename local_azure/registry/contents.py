"""The bytes of a registry: finished blobs by digest, and uploads that are still growing."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local_azure.registry.errors import RegistryError, invalid_digest

MAX_BLOB = 15 * 1024**3
"""Bytes of one blob. A container group takes images of 15 GB, so no layer may be larger."""

MAX_UPLOADS = 200
"""Uploads that are open at once in one registry; the oldest idle one makes room."""


@dataclass
class Upload:
    """A blob in the making.

    Attributes:
        id: Random; whoever knows it may continue the upload.
        repository: Where the blob will be.
        path: The file that grows.
        size: Its bytes so far.
        hash: Of these bytes.
        busy: Whether a request writes to it right now.
    """

    id: str
    repository: str
    path: Path
    size: int = 0
    hash: Any = field(default_factory=hashlib.sha256)
    busy: bool = False

    async def extend(self, chunks: AsyncIterator[bytes]) -> None:
        """Append what a client sends; a client that goes away leaves the upload as it was.

        Raises:
            RegistryError: 409 when another request writes to it; 413 when the blob gets too large.
        """
        if self.busy:
            raise RegistryError(
                409, "BLOB_UPLOAD_INVALID", "Another request writes to this upload."
            )
        self.busy = True
        before = self.size, self.hash.copy()
        try:
            with self.path.open("ab") as file:
                async for chunk in chunks:
                    self.size += len(chunk)
                    if self.size > MAX_BLOB:
                        raise RegistryError(
                            413, "SIZE_INVALID", f"A blob may have {MAX_BLOB:,} bytes, not more."
                        )
                    self.hash.update(chunk)
                    file.write(chunk)
        except BaseException:
            self.size, self.hash = before
            os.truncate(self.path, self.size)
            raise
        finally:
            self.busy = False


class Contents:
    """Files under one folder.

    Args:
        folder: The registry's own. Uploads of an earlier process are swept away: the hash of what
            they hold is gone.
    """

    def __init__(self, folder: Path) -> None:
        self._blobs = folder / "blobs"
        self._uploading = folder / "uploads"
        self._blobs.mkdir(parents=True, exist_ok=True)
        self._uploading.mkdir(exist_ok=True)
        for left in self._uploading.iterdir():
            left.unlink()
        self._uploads: dict[str, Upload] = {}
        self._verified: dict[str, tuple[int, int]] = {}

    def is_whole(self, digest: str) -> bool:
        """Whether a blob is there and is what its digest says; read once, unless it was written."""
        path = self.path(digest)
        try:
            found = path.stat()
            written = (found.st_mtime_ns, found.st_size)
            if self._verified.get(digest) != written:
                with path.open("rb") as file:
                    actual = hashlib.file_digest(file, "sha256").hexdigest()
                if digest != f"sha256:{actual}":
                    return False
                self._verified[digest] = written
        except OSError:
            return False
        return True

    def path(self, digest: str) -> Path:
        """Where the blob with this digest is, or would be."""
        return self._blobs / digest.removeprefix("sha256:")

    def begin(self, repository: str) -> Upload:
        """Open an upload."""
        if len(self._uploads) >= MAX_UPLOADS:
            idle = next((each for each in self._uploads.values() if not each.busy), None)
            if idle is None:
                raise RegistryError(
                    429, "TOOMANYREQUESTS", f"{MAX_UPLOADS} uploads are being written; try again."
                )
            self.abandon(idle)
        identifier = secrets.token_hex(16)
        upload = Upload(identifier, repository, self._uploading / identifier)
        upload.path.touch()
        self._uploads[identifier] = upload
        return upload

    def upload(self, identifier: str, repository: str) -> Upload:
        """An open upload.

        Raises:
            RegistryError: 404 `BLOB_UPLOAD_UNKNOWN`.
        """
        found = self._uploads.get(identifier)
        if found is None or found.repository != repository:
            raise RegistryError(
                404, "BLOB_UPLOAD_UNKNOWN", "This upload is unknown or has ended; begin a new one."
            )
        return found

    def abandon(self, upload: Upload) -> None:
        """Forget an upload."""
        self._uploads.pop(upload.id, None)
        upload.path.unlink(missing_ok=True)

    def finish(self, upload: Upload, digest: str) -> int:
        """Make an upload a blob. Returns its size.

        Raises:
            RegistryError: 400 `DIGEST_INVALID`, and the upload is gone; 409 when it is being
                written to.
        """
        if upload.busy:
            raise RegistryError(
                409, "BLOB_UPLOAD_INVALID", "Another request writes to this upload."
            )
        actual = f"sha256:{upload.hash.hexdigest()}"
        if actual != digest:
            self.abandon(upload)
            raise invalid_digest(
                f"The {upload.size} bytes received have the digest {actual}, not {digest}."
            )
        upload.path.replace(self.path(digest))
        self._uploads.pop(upload.id)
        return upload.size

    def keep(self, digest: str, content: bytes) -> None:
        """Write a small blob, such as a manifest, whose digest is already checked."""
        temporary = self._uploading / secrets.token_hex(16)
        temporary.write_bytes(content)
        temporary.replace(self.path(digest))

    def remove(self, digest: str) -> None:
        """Delete a blob that no repository holds any more."""
        self.path(digest).unlink(missing_ok=True)
