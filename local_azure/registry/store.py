"""The content of one registry: the index says who has what, the files hold the bytes."""

from __future__ import annotations

import logging
from pathlib import Path

from local_azure.registry import names
from local_azure.registry.contents import Contents, Upload
from local_azure.registry.errors import RegistryError, invalid_digest
from local_azure.registry.index import Index, Manifest, timestamp
from local_azure.registry.manifests import describe

LOG = logging.getLogger(__name__)


class Store:
    """One registry's folder, used on the event loop alone.

    Attributes:
        index: Which repository has which blobs, manifests and tags.
        contents: The files.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.index = Index(folder / "index.sqlite3")
        self.contents = Contents(folder)

    def close(self) -> None:
        """Close the files."""
        self.index.close()

    def blob(self, repository: str, digest: str) -> Path:
        """The file of a blob.

        Raises:
            RegistryError: 404 `BLOB_UNKNOWN`.
        """
        path = self.contents.path(names.digest(digest))
        if self.index.blob_size(repository, digest) is None or not path.is_file():
            raise RegistryError(404, "BLOB_UNKNOWN", f"{repository} has no blob {digest}.")
        return path

    def finish(self, upload: Upload, digest: str) -> None:
        """Make an upload a blob of its repository."""
        size = self.contents.finish(upload, digest)
        self.index.add_blob(upload.repository, digest, size)

    def mount(self, source: str, target: str, digest: str) -> bool:
        """Let a repository have a blob of another one, if that has it."""
        size = self.index.blob_size(source, digest)
        if size is not None:
            self.index.add_blob(target, digest, size)
        return size is not None

    def delete_blob(self, repository: str, digest: str) -> None:
        """Delete a blob.

        Raises:
            RegistryError: 404 `BLOB_UNKNOWN`.
        """
        self.blob(repository, digest)
        if self.index.remove_blob(repository, digest):
            self.contents.remove(digest)

    def manifest(self, repository: str, reference: str) -> tuple[Manifest, bytes]:
        """A manifest by tag or digest, and its bytes.

        Raises:
            RegistryError: 404 `MANIFEST_UNKNOWN`.
        """
        found = self.index.manifest(repository, names.reference(reference))
        content = self._whole(repository, found) if found else None
        if found is None or content is None:
            raise RegistryError(
                404, "MANIFEST_UNKNOWN", f"{repository} has no manifest {reference}."
            )
        return found, content

    def _whole(self, repository: str, manifest: Manifest) -> bytes | None:
        """A manifest's bytes, if they and the blobs that it names are what their digests say.

        What a disk has damaged is not there, so that the next push brings it again.
        """
        if not self.contents.is_whole(manifest.digest):
            return None
        content = self.contents.path(manifest.digest).read_bytes()
        blobs = describe(content, manifest.media_type).blobs
        damaged = [each for each in blobs if not self.contents.is_whole(each)]
        for digest in damaged:
            LOG.warning("the blob %s of %s is damaged: push it again", digest, repository)
            self.contents.remove(digest)
        return None if damaged else content

    def put_manifest(
        self, repository: str, reference: str, content: bytes, content_type: str
    ) -> str:
        """Keep a manifest under its digest, and under `reference` if that is a tag.

        Returns:
            The digest.

        Raises:
            RegistryError: 400: malformed, another digest than `reference`, or its parts are
                not there yet.
        """
        description = describe(content, content_type)
        digest = names.digest_of(content)
        tag = None if names.is_digest(reference) else names.reference(reference)
        if tag is None and names.digest(reference) != digest:
            raise invalid_digest(f"The manifest has the digest {digest}, not {reference}.")
        for blob in description.blobs:
            if self.index.blob_size(repository, blob) is None:
                raise RegistryError(
                    400, "MANIFEST_BLOB_UNKNOWN", f"{repository} has no blob {blob}; upload it."
                )
        for inner in description.manifests:
            if self.index.manifest(repository, inner) is None:
                raise RegistryError(
                    400, "MANIFEST_UNKNOWN", f"{repository} has no manifest {inner}; push it first."
                )
        self.contents.keep(digest, content)
        kept = Manifest(digest, description.media_type, len(content), timestamp())
        self.index.add_manifest(repository, kept, tag)
        return digest

    def delete_manifest(self, repository: str, reference: str) -> None:
        """Delete a manifest with its tags, or a tag alone.

        Raises:
            RegistryError: 404 `MANIFEST_UNKNOWN`.
        """
        found, _ = self.manifest(repository, reference)
        if not names.is_digest(reference):
            self.index.remove_tag(repository, reference)
        elif self.index.remove_manifest(repository, found.digest):
            self.contents.remove(found.digest)

    def delete_repository(self, repository: str) -> tuple[list[str], list[str]]:
        """Delete a repository. Returns the manifests and the tags that it had.

        Raises:
            RegistryError: 404 `NAME_UNKNOWN`.
        """
        manifests = [each.digest for each in self.index.manifests(repository)]
        tags = [each.name for each in self.index.tags(repository)]
        if not manifests:
            raise unknown_repository(repository)
        for digest in self.index.remove_repository(repository):
            self.contents.remove(digest)
        return manifests, tags


def unknown_repository(repository: str) -> RegistryError:
    """404 for a repository that holds nothing."""
    return RegistryError(404, "NAME_UNKNOWN", f"The registry has no repository {repository}.")
