"""An OCI image layout of one layer: the same files give the same bytes.

Source: the OCI image specification 1.1, image layout, manifest and configuration.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"


@dataclass(frozen=True, slots=True)
class Blob:
    """Content by its digest."""

    media_type: str
    content: bytes

    @property
    def digest(self) -> str:
        """`sha256:` and 64 hexadecimal digits."""
        return f"sha256:{hashlib.sha256(self.content).hexdigest()}"

    def descriptor(self) -> dict[str, Any]:
        """How a manifest names it."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.content)}


def write_layout(
    folder: Path, files: Mapping[str, bytes], config: Mapping[str, Any], title: str
) -> str:
    """Write an image layout.

    Args:
        folder: An existing, empty folder.
        files: Content by path in the image, without a leading slash.
        config: `Env`, `Cmd`, `Labels`, ... of the image configuration.
        title: The image's name in its annotations.

    Returns:
        The manifest's digest.
    """
    tar = _tar(files)
    # Neither the packing time nor the packing machine may change the digest.
    layer = Blob(_LAYER_TYPE, gzip.compress(tar, compresslevel=6, mtime=0))
    configuration = {
        "architecture": "amd64",
        "os": "linux",
        "config": dict(config),
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(tar).hexdigest()}"]},
    }
    described = Blob(_CONFIG_TYPE, _json(configuration))
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": described.descriptor(),
        "layers": [layer.descriptor()],
        "annotations": {"org.opencontainers.image.title": title},
    }
    top = Blob(MANIFEST_TYPE, _json(manifest))
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    for blob in (layer, described, top):
        (blobs / blob.digest.removeprefix("sha256:")).write_bytes(blob.content)
    index = {"schemaVersion": 2, "manifests": [top.descriptor()]}
    (folder / "index.json").write_bytes(_json(index))
    (folder / "oci-layout").write_bytes(_json({"imageLayoutVersion": "1.0.0"}))
    return top.digest


def digest_of(folder: Path) -> str | None:
    """The manifest's digest of an image layout; None where there is none that can be read."""
    try:
        index = json.loads((folder / "index.json").read_bytes())
        return str(index["manifests"][0]["digest"])
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return None


def _tar(files: Mapping[str, bytes]) -> bytes:
    folders = {str(parent) for name in files for parent in Path(name).parents if str(parent) != "."}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for folder in sorted(folders):
            member = tarfile.TarInfo(folder)
            member.type, member.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(member)
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(files[name]), 0o644
            tar.addfile(member, io.BytesIO(files[name]))
    return packed.getvalue()


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
