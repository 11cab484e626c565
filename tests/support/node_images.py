"""Images for containerd: one archive of an OCI layout, under the names that pods ask for."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

PAUSE = "local.test/pause:1"
_PAUSING = ["python3", "-c", "import signal; signal.pause()"]


def archive(layout: Path, name: str, out: Path) -> None:
    """Write what `ctr images import` takes: the image, and one of the same files that only waits.

    Each pod has such a process, which holds its network while its containers come and go.

    Args:
        layout: An OCI layout of one image.
        name: What its pods name it; with its digest.
        out: The archive.
    """
    (top,) = json.loads((layout / "index.json").read_bytes())["manifests"]
    manifest = json.loads(_blob(layout, top["digest"]).read_bytes())
    config = json.loads(_blob(layout, manifest["config"]["digest"]).read_bytes())
    config["config"] = {"Entrypoint": _PAUSING, "Env": config["config"].get("Env", [])}
    with tarfile.open(out, "w") as tar:
        for blob in sorted((layout / "blobs" / "sha256").iterdir()):
            tar.add(blob, f"blobs/sha256/{blob.name}")
        manifest["config"] |= _add(tar, config)
        pause = {**top, **_add(tar, manifest)}
        index = {"schemaVersion": 2, "manifests": [_named(top, name), _named(pause, PAUSE)]}
        _write(tar, "index.json", json.dumps(index).encode())
        _write(tar, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}')


def _blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / "sha256" / digest.removeprefix("sha256:")


def _named(descriptor: dict[str, Any], name: str) -> dict[str, Any]:
    return {**descriptor, "annotations": {"io.containerd.image.name": name}}


def _add(tar: tarfile.TarFile, content: Any) -> dict[str, Any]:
    written = json.dumps(content).encode()
    digest = hashlib.sha256(written).hexdigest()
    _write(tar, f"blobs/sha256/{digest}", written)
    return {"digest": f"sha256:{digest}", "size": len(written)}


def _write(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))
