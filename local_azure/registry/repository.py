"""One repository: an OCI image layout on disk, which skopeo, crane or podman can read as it is.

Source: the OCI Image Specification 1.1, "Image Layout". A tag is the annotation
`org.opencontainers.image.ref.name` of a descriptor in `index.json`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_azure import clock, whole_file

_LAYOUT = {"imageLayoutVersion": "1.0.0"}
_INDEX = "application/vnd.oci.image.index.v1+json"
_TAG = "org.opencontainers.image.ref.name"
_CREATED = "local-azure.created"
_UPDATED = "local-azure.updated"

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Manifest:
    """A manifest as it is listed; times are ISO 8601."""

    digest: str
    media_type: str
    size: int
    created: str


@dataclass(frozen=True)
class Tag:
    """A tag as it is listed; times are ISO 8601."""

    name: str
    digest: str
    created: str
    updated: str


class Repository:
    """Its blobs, manifests and tags, used on the event loop alone.

    A damaged index is put aside and begun anew: what was pushed can be pushed again.

    Args:
        folder: The layout. It is made by the first blob.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._blobs = folder / "blobs" / "sha256"
        self._index = folder / "index.json"
        self._manifests: dict[str, Manifest] = {}
        self._tags: dict[str, Tag] = {}
        self._verified: dict[str, tuple[int, int]] = {}
        try:
            self._read(json.loads(self._index.read_bytes()))
        except FileNotFoundError:
            pass
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            aside = self._index.with_name(f"{self._index.name}.damaged")
            LOG.warning("%s is damaged (%s), now %s: push again", self._index, error, aside.name)
            self._index.replace(aside)
            self._manifests, self._tags = {}, {}

    def path(self, digest: str) -> Path:
        """Where the blob with this digest is, or would be."""
        return self._blobs / digest.removeprefix("sha256:")

    def has(self, digest: str) -> bool:
        """Whether it has a blob."""
        return self.path(digest).is_file()

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

    def move_in(self, file: Path, digest: str) -> None:
        """Make a file, whose digest is already checked, a blob."""
        self._make()
        file.replace(self.path(digest))

    def link(self, other: Repository, digest: str) -> None:
        """Have a blob of another repository: the same bytes on the disk."""
        self._make()
        if not self.has(digest):
            os.link(other.path(digest), self.path(digest))

    def remove_blob(self, digest: str) -> None:
        """Delete a blob; other repositories keep theirs."""
        self.path(digest).unlink(missing_ok=True)

    def add(self, digest: str, media_type: str, content: bytes, tag: str | None) -> None:
        """Keep a manifest, under a tag where one is given."""
        self._make()
        whole_file.write(self.path(digest), content)
        now = clock.now()
        before = self._manifests.get(digest)
        created = before.created if before else now
        self._manifests[digest] = Manifest(digest, media_type, len(content), created)
        if tag is not None:
            known = self._tags.get(tag)
            self._tags[tag] = Tag(tag, digest, known.created if known else now, now)
        self._save()

    def manifest(self, reference: str) -> Manifest | None:
        """The manifest with this digest or tag."""
        tag = self._tags.get(reference)
        return self._manifests.get(tag.digest if tag else reference)

    def manifests(self, after: str = "") -> Sequence[Manifest]:
        """Manifests in the order of their digests."""
        return [self._manifests[digest] for digest in sorted(self._manifests) if digest > after]

    def remove_manifest(self, digest: str) -> None:
        """Delete a manifest with its tags."""
        del self._manifests[digest]
        self._tags = {name: tag for name, tag in self._tags.items() if tag.digest != digest}
        self._save()
        self.remove_blob(digest)

    def tag(self, name: str) -> Tag | None:
        """One tag."""
        return self._tags.get(name)

    def tags(self, after: str = "", digest: str = "") -> Sequence[Tag]:
        """Tags in the order of their names, of one manifest where `digest` is given."""
        found = [self._tags[name] for name in sorted(self._tags) if name > after]
        return [tag for tag in found if digest in ("", tag.digest)]

    def remove_tag(self, name: str) -> None:
        """Take a tag away; the manifest stays."""
        self._tags.pop(name, None)
        self._save()

    def remove(self) -> None:
        """Delete all of it."""
        self._manifests, self._tags = {}, {}
        shutil.rmtree(self._folder)

    def _make(self) -> None:
        if not self._blobs.is_dir():
            self._blobs.mkdir(parents=True)
            whole_file.write(self._folder / "oci-layout", json.dumps(_LAYOUT).encode())
            self._save()

    def _read(self, index: dict[str, Any]) -> None:
        for each in index["manifests"]:
            noted, digest = each["annotations"], str(each["digest"])
            created, tag = str(noted[_CREATED]), noted.get(_TAG)
            if tag is None:
                kind, size = str(each["mediaType"]), int(each["size"])
                self._manifests[digest] = Manifest(digest, kind, size, created)
            else:
                self._tags[tag] = Tag(str(tag), digest, created, str(noted[_UPDATED]))
        lost = {tag.digest for tag in self._tags.values()} - set(self._manifests)
        if lost:
            raise ValueError(f"tags name {len(lost)} manifests that it has not")

    def _save(self) -> None:
        """A descriptor for each manifest and one more for each of its tags."""
        tags = [
            self._descriptor(
                tag.digest, {_TAG: tag.name, _CREATED: tag.created, _UPDATED: tag.updated}
            )
            for tag in self._tags.values()
        ]
        manifests = [
            self._descriptor(each.digest, {_CREATED: each.created})
            for each in self._manifests.values()
        ]
        index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [*manifests, *tags]}
        whole_file.write(self._index, json.dumps(index).encode())

    def _descriptor(self, digest: str, annotations: dict[str, str]) -> dict[str, Any]:
        manifest = self._manifests[digest]
        return {
            "mediaType": manifest.media_type,
            "digest": digest,
            "size": manifest.size,
            "annotations": annotations,
        }
