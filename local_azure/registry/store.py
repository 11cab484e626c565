"""The content of one registry: its repositories and the uploads to them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote, unquote

from local_azure.registry import names
from local_azure.registry.errors import RegistryError, invalid_digest
from local_azure.registry.manifests import describe
from local_azure.registry.repository import Manifest, Repository
from local_azure.registry.uploads import Upload, Uploads

LOG = logging.getLogger(__name__)


class Store:
    """One registry's folder, used on the event loop alone.

    Attributes:
        uploads: Blobs that are still growing.
    """

    def __init__(self, folder: Path) -> None:
        # One level deep, whatever slashes a name has: `a` is no folder that holds `a/b`.
        self._folder = folder / "repositories"
        self._folder.mkdir(parents=True, exist_ok=True)
        self.uploads = Uploads(folder / "uploads")
        self._repositories = {
            unquote(each.name): Repository(each) for each in self._folder.iterdir()
        }

    def repositories(self, after: str = "") -> Sequence[str]:
        """The names of all repositories that hold a manifest."""
        held = (name for name, each in self._repositories.items() if each.manifests())
        return sorted(name for name in held if name > after)

    def repository(self, name: str) -> Repository:
        """A repository; an empty one where nothing was pushed."""
        return self._repositories.get(name) or Repository(self._folder / quote(name, safe=""))

    def known(self, name: str) -> Repository:
        """A repository that holds a manifest.

        Raises:
            RegistryError: 404 `NAME_UNKNOWN`.
        """
        found = self._repositories.get(name)
        if found is None or not found.manifests():
            raise RegistryError(404, "NAME_UNKNOWN", f"The registry has no repository {name}.")
        return found

    def blob(self, repository: str, digest: str) -> Path:
        """The file of a blob.

        Raises:
            RegistryError: 404 `BLOB_UNKNOWN`.
        """
        found = self.repository(repository)
        if not found.has(digest):
            raise RegistryError(404, "BLOB_UNKNOWN", f"{repository} has no blob {digest}.")
        return found.path(digest)

    def finish(self, upload: Upload, digest: str) -> None:
        """Make an upload a blob of its repository."""
        file = self.uploads.finished(upload, digest)
        self._made(upload.repository).move_in(file, digest)

    def mount(self, source: str, target: str, digest: str) -> bool:
        """Let a repository have a blob of another one, if that has it."""
        other = self.repository(source)
        has = other.has(digest)
        if has:
            self._made(target).link(other, digest)
        return has

    def manifest(self, repository: str, reference: str) -> tuple[Manifest, bytes]:
        """A manifest by tag or digest, and its bytes.

        Raises:
            RegistryError: 404 `MANIFEST_UNKNOWN`.
        """
        kept = self.repository(repository)
        found = kept.manifest(names.reference(reference))
        content = _whole(kept, found) if found else None
        if found is None or content is None:
            raise RegistryError(
                404, "MANIFEST_UNKNOWN", f"{repository} has no manifest {reference}."
            )
        return found, content

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
        kept = self.repository(repository)
        for blob in description.blobs:
            if not kept.has(blob):
                raise RegistryError(
                    400, "MANIFEST_BLOB_UNKNOWN", f"{repository} has no blob {blob}; upload it."
                )
        for inner in description.manifests:
            if kept.manifest(inner) is None:
                raise RegistryError(
                    400, "MANIFEST_UNKNOWN", f"{repository} has no manifest {inner}; push it first."
                )
        self._made(repository).add(digest, description.media_type, content, tag)
        return digest

    def delete_manifest(self, repository: str, reference: str) -> None:
        """Delete a manifest with its tags, or a tag alone.

        Raises:
            RegistryError: 404 `MANIFEST_UNKNOWN`.
        """
        found, _ = self.manifest(repository, reference)
        if names.is_digest(reference):
            self.repository(repository).remove_manifest(found.digest)
        else:
            self.repository(repository).remove_tag(reference)

    def delete_repository(self, name: str) -> tuple[list[str], list[str]]:
        """Delete a repository. Returns the manifests and the tags that it had.

        Raises:
            RegistryError: 404 `NAME_UNKNOWN`.
        """
        found = self.known(name)
        gone = [each.digest for each in found.manifests()], [each.name for each in found.tags()]
        del self._repositories[name]
        found.remove()
        return gone

    def _made(self, name: str) -> Repository:
        return self._repositories.setdefault(name, self.repository(name))


def _whole(repository: Repository, manifest: Manifest) -> bytes | None:
    """A manifest's bytes, if they and the blobs that it names are what their digests say.

    What a disk has damaged is not there, so that the next push brings it again.
    """
    if not repository.is_whole(manifest.digest):
        return None
    content = repository.path(manifest.digest).read_bytes()
    blobs = describe(content, manifest.media_type).blobs
    damaged = [each for each in blobs if not repository.is_whole(each)]
    for digest in damaged:
        LOG.warning("a blob is damaged: push it again: %s", repository.path(digest))
        repository.remove_blob(digest)
    return None if damaged else content
