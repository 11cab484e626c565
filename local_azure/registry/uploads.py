"""Uploads of a registry: blobs that are still growing."""

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


class Uploads:
    """Files under one folder.

    Args:
        folder: Its own. Uploads of an earlier process are swept away: the hash of what they hold
            is gone.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        for left in folder.iterdir():
            left.unlink()
        self._folder = folder
        self._open: dict[str, Upload] = {}

    def begin(self, repository: str) -> Upload:
        """Open an upload."""
        if len(self._open) >= MAX_UPLOADS:
            idle = next((each for each in self._open.values() if not each.busy), None)
            if idle is None:
                raise RegistryError(
                    429, "TOOMANYREQUESTS", f"{MAX_UPLOADS} uploads are being written; try again."
                )
            self.abandon(idle)
        identifier = secrets.token_hex(16)
        upload = Upload(identifier, repository, self._folder / identifier)
        upload.path.touch()
        self._open[identifier] = upload
        return upload

    def find(self, identifier: str, repository: str) -> Upload:
        """An open upload.

        Raises:
            RegistryError: 404 `BLOB_UPLOAD_UNKNOWN`.
        """
        found = self._open.get(identifier)
        if found is None or found.repository != repository:
            raise RegistryError(
                404, "BLOB_UPLOAD_UNKNOWN", "This upload is unknown or has ended; begin a new one."
            )
        return found

    def abandon(self, upload: Upload) -> None:
        """Forget an upload."""
        self._open.pop(upload.id, None)
        upload.path.unlink(missing_ok=True)

    def finished(self, upload: Upload, digest: str) -> Path:
        """The file of a whole upload, for the repository to take.

        Raises:
            RegistryError: 400 `DIGEST_INVALID`, and the upload is gone.
        """
        actual = f"sha256:{upload.hash.hexdigest()}"
        if actual != digest:
            self.abandon(upload)
            raise invalid_digest(
                f"The {upload.size} bytes received have the digest {actual}, not {digest}."
            )
        self._open.pop(upload.id)
        return upload.path
