"""The content of one registry on disk: blobs by digest, manifests by repository, tags."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-][a-z0-9]+)*)*")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
LARGEST_BLOB = 2 * 2**30
LARGEST_MANIFEST = 4 * 2**20


class ContentError(Exception):
    """Content that does not fit its digest, or is too large."""


@dataclass(frozen=True)
class Blobs:
    """One registry's folder.

    Attributes:
        folder: `blobs/`, `manifests/REPOSITORY/`, `tags/REPOSITORY/`, `uploads/`.
    """

    folder: Path

    def blob(self, digest: str) -> Path:
        """Where a blob is, if it is there. The digest must match `DIGEST`."""
        return self.folder / "blobs" / digest.removeprefix("sha256:")

    def start(self) -> str:
        """Begin an upload, get its id."""
        upload = uuid.uuid4().hex
        path = self._upload(upload)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return upload

    def uploaded(self, upload: str) -> int | None:
        """Bytes of an upload so far; None if there is no such upload."""
        path = self._upload(upload)
        return (
            path.stat().st_size if re.fullmatch("[0-9a-f]{32}", upload) and path.exists() else None
        )

    async def append(self, upload: str, chunks: AsyncIterator[bytes]) -> int:
        """Add to an upload, get its size.

        Raises:
            ContentError: It grew beyond `LARGEST_BLOB`.
        """
        with self._upload(upload).open("ab") as file:
            async for chunk in chunks:
                if file.tell() + len(chunk) > LARGEST_BLOB:
                    raise ContentError(f"a blob may have {LARGEST_BLOB} bytes")
                file.write(chunk)
            return file.tell()

    def finish(self, upload: str, digest: str) -> None:
        """Make an upload the blob with this digest.

        Raises:
            ContentError: Its digest is another.
        """
        path = self._upload(upload)
        with path.open("rb") as file:
            found = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
        if found != digest:
            path.unlink()
            raise ContentError(f"the content has the digest {found}, not {digest}")
        target = self.blob(digest)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)

    def cancel(self, upload: str) -> None:
        """Forget an upload."""
        self._upload(upload).unlink(missing_ok=True)

    def manifest(self, repository: str, reference: str) -> tuple[str, str, bytes] | None:
        """Digest, media type and content of a manifest, by tag or digest."""
        digest = reference
        if not DIGEST.fullmatch(reference):
            tag = self.folder / "tags" / _flat(repository) / reference
            if not TAG.fullmatch(reference) or not tag.is_file():
                return None
            digest = tag.read_text()
        path = self._manifests(repository) / digest.removeprefix("sha256:")
        if not path.is_file():
            return None
        content = path.read_bytes()
        media_type = json.loads(content).get(
            "mediaType", "application/vnd.oci.image.manifest.v1+json"
        )
        return digest, media_type, content

    def put_manifest(self, repository: str, reference: str, content: bytes) -> str:
        """Store a manifest under its digest and, if `reference` is one, a tag.

        Returns:
            The digest.

        Raises:
            ContentError: No JSON object, another digest than `reference`, or a missing blob.
        """
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if DIGEST.fullmatch(reference) and reference != digest:
            raise ContentError(f"the manifest has the digest {digest}, not {reference}")
        try:
            manifest: Any = json.loads(content)
            needed = [
                manifest["config"]["digest"],
                *(each["digest"] for each in manifest["layers"]),
            ]
        except (ValueError, KeyError, TypeError) as error:
            raise ContentError("only image manifests with config and layers are taken") from error
        for blob in needed:
            if not DIGEST.fullmatch(str(blob)) or not self.blob(blob).is_file():
                raise ContentError(f"the blob {blob} of the manifest was not uploaded")
        _write(self._manifests(repository) / digest.removeprefix("sha256:"), content)
        if TAG.fullmatch(reference):
            _write(self.folder / "tags" / _flat(repository) / reference, digest.encode())
        return digest

    def delete_manifest(self, repository: str, digest: str) -> bool:
        """Delete a manifest and the tags that name it; whether there was one."""
        path = self._manifests(repository) / digest.removeprefix("sha256:")
        if not path.is_file():
            return False
        path.unlink()
        for tag in (self.folder / "tags" / _flat(repository)).glob("*"):
            if tag.read_text() == digest:
                tag.unlink()
        return True

    def tags(self, repository: str) -> list[str]:
        """The tags of a repository, sorted."""
        return sorted(tag.name for tag in (self.folder / "tags" / _flat(repository)).glob("*"))

    def repositories(self) -> list[str]:
        """Every repository with a manifest, sorted."""
        return sorted(
            folder.name.replace("%2F", "/")
            for folder in (self.folder / "manifests").glob("*")
            if any(folder.iterdir())
        )

    def remove(self) -> None:
        """Delete everything."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _upload(self, upload: str) -> Path:
        return self.folder / "uploads" / upload

    def _manifests(self, repository: str) -> Path:
        return self.folder / "manifests" / _flat(repository)


def _flat(repository: str) -> str:
    return repository.replace("/", "%2F")


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(content)
    temporary.replace(path)
