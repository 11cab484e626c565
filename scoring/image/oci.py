"""An OCI image layout and what it lies on: the same layers and settings give the same bytes.

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
class Base:
    """Layers below the packages.

    Attributes:
        layers: The lowest first.
        config: `Env`, `Labels`, ... of its image configuration.
        packages: Where its Python looks for packages, from the image's root.
    """

    layers: tuple[Layer, ...]
    config: Mapping[str, Any]
    packages: str

    def below(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """The configuration of an image on it; its own command and entry point are gone."""
        merged = {**self.config, **config}
        merged.pop("Entrypoint", None)
        pairs = [*(self.config.get("Env") or ()), *config["Env"]]
        merged["Env"] = list({pair.partition("=")[0]: pair for pair in pairs}.values())
        for name in ("Labels", "ExposedPorts"):
            merged[name] = {**(self.config.get(name) or {}), **config[name]}
        return merged


def blobs(folder: Path) -> Path:
    """The folder of a layout's blobs."""
    return folder / "blobs" / "sha256"


def blob(folder: Path, digest: str) -> Path:
    """A layout's blob, which need not be there."""
    return blobs(folder) / digest.removeprefix("sha256:")


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
    blobs(folder).mkdir(parents=True, exist_ok=True)
    layers = [layer.copied(blobs(folder)) for layer in layers]
    configuration = {
        "architecture": "amd64",
        "os": "linux",
        "config": dict(config),
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": _add(folder, _CONFIG_TYPE, configuration),
        "layers": [layer.descriptor() for layer in layers],
        "annotations": {"org.opencontainers.image.title": title},
    }
    top = _add(folder, MANIFEST_TYPE, manifest)
    index = {"schemaVersion": 2, "manifests": [top]}
    (folder / "index.json").write_bytes(_json(index))
    (folder / "oci-layout").write_bytes(_json({"imageLayoutVersion": "1.0.0"}))
    return top["digest"]


def digest_of(folder: Path) -> str | None:
    """The manifest's digest of an image layout; None where there is none that can be read."""
    try:
        index = json.loads((folder / "index.json").read_bytes())
        return str(index["manifests"][0]["digest"])
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return None


def _add(folder: Path, media_type: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """Write a blob; how a manifest names it."""
    content = _json(value)
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    blob(folder, digest).write_bytes(content)
    return {"mediaType": media_type, "digest": digest, "size": len(content)}


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
