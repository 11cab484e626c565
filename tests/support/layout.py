"""What is in an OCI image layout, read and written by hand."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from scoring.image.oci import blobs

INDEX = "application/vnd.oci.image.index.v1+json"


def blob(image: Path, digest: str) -> Path:
    return blobs(image) / digest.removeprefix("sha256:")


def described(image: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """An image's manifest and configuration."""
    (top,) = json.loads((image / "index.json").read_bytes())["manifests"]
    manifest = json.loads(blob(image, top["digest"]).read_bytes())
    return manifest, json.loads(blob(image, manifest["config"]["digest"]).read_bytes())


def put(image: Path, value: Any) -> dict[str, Any]:
    """Add a text to an image's blobs; how it is named."""
    content = json.dumps(value).encode()
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    blob(image, digest).write_bytes(content)
    return {"mediaType": value["mediaType"], "digest": digest, "size": len(content)}


def point(image: Path, *manifests: dict[str, Any]) -> None:
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
    (image / "index.json").write_text(json.dumps(index))


def change(image: Path, **changes: Any) -> None:
    """Change the configuration of an image of one manifest, as another builder would write it."""
    manifest, configuration = described(image)
    named = put(image, {**configuration, **changes, "mediaType": manifest["config"]["mediaType"]})
    point(image, put(image, {**manifest, "config": named}))
