"""An OCI image layout: the same layers and settings give the same bytes.

Source: the OCI image specification 1.1, image layout, manifest and configuration.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scoring.image.layer import Layer

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"


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


def blobs(folder: Path) -> Path:
    """The folder of a layout's blobs."""
    return folder / "blobs" / "sha256"


def write_layout(
    folder: Path, layers: Sequence[Layer], config: Mapping[str, Any], title: str
) -> str:
    """Write an image layout.

    Args:
        folder: An existing folder, empty or with layers among its blobs.
        layers: The lowest first.
        config: `Env`, `Cmd`, `Labels`, ... of the image configuration.
        title: The image's name in its annotations.

    Returns:
        The manifest's digest.

    Raises:
        ImageError: A layer was altered.
    """
    into = blobs(folder)
    into.mkdir(parents=True, exist_ok=True)
    layers = [layer.copied(into) for layer in layers]
    configuration = {
        "architecture": "amd64",
        "os": "linux",
        "config": dict(config),
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
    }
    described = Blob(_CONFIG_TYPE, _json(configuration))
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": described.descriptor(),
        "layers": [layer.descriptor() for layer in layers],
        "annotations": {"org.opencontainers.image.title": title},
    }
    top = Blob(MANIFEST_TYPE, _json(manifest))
    for blob in (described, top):
        (into / blob.digest.removeprefix("sha256:")).write_bytes(blob.content)
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


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
