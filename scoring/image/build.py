"""Build the image from a model directory, once the model starts as it will in the image."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scoring.image import check, debian, exported, site_packages
from scoring.image.layer import Entry, file_entry, pack
from scoring.image.oci import blobs, digest_of, write_layout
from scoring.manifest import MANIFEST, Manifest, verified_bytes
from scoring.output_folder import replaced

ROOM = Path(__file__).resolve().parents[1]
REQUIREMENTS = ROOM / "requirements.txt"
WORKDIR = "app"
RESULT = "an image"
_LEFT_OUT = (
    *("asgi", "bench", "image", "cli.py", "__main__.py", "myenv.py", "output_folder.py"),
    *("environments.py", "packages.py"),
)
"""What runs beside the service, not in it."""

ENVIRONMENT = {
    "AZUREML_MODEL_DIR": "model",
    "MALLOC_MMAP_THRESHOLD_": "268435456",
    "MALLOC_TRIM_THRESHOLD_": "268435456",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
    "SCORING_HOST": "0.0.0.0",  # noqa: S104 - inside a container, whose network decides
    "SCORING_PORT": "5001",
}
"""The image's variables, the same in the Dockerfile; glibc's thresholds keep large bodies fast."""


def build_image(
    model: Path, out: Path, *, complete: bool = False, base: Path | None = None
) -> dict[str, Any]:
    """Write an OCI layout and a `context/` for `docker build` or `az acr build`.

    Args:
        model: The model directory.
        out: The folder: new, empty, or an earlier image of this function, which is replaced.
        complete: With Python and the pinned packages, so that any container runtime runs it.
        base: An exported image that brings the Python; Debian's packages do where none is named.

    Returns:
        `digest`, `labels` and the two folders `layout` and `context`.

    Raises:
        ModelError: The pickle is not the one that the manifest declares.
        ImageError: The model does not start in the image, or Python cannot be had.
        PackagesError: The pinned packages cannot be installed.
        OutputError: The folder holds something else.
    """
    manifest, files = _contents(model)
    labels = _labels(manifest)
    with replaced(out, RESULT) as draft:
        _write_context(draft / "context", files, labels)
        into = blobs(draft)
        into.mkdir(parents=True)
        layers, config = [pack(_entries(files), into)], _config(labels)
        if complete or base is not None:
            under = debian.base() if base is None else exported.base(base, into)
            packages = site_packages.layer(files["requirements.txt"], under.packages)
            layers, config = [*under.layers, packages, *layers], under.below(config)
        digest = write_layout(draft, layers, config, manifest.name)
        if digest != digest_of(out):  # an image that is there was checked
            check.start(files, ENVIRONMENT)
    return {
        "digest": digest,
        "labels": labels,
        "layout": str(out),
        "context": str(out / "context"),
    }


def check_model(model: Path) -> Manifest:
    """Start a model as it would in its image, which is not written.

    Raises:
        ModelError: The pickle is not the one that the manifest declares.
        ImageError: The model does not start in the image.
    """
    manifest, files = _contents(model)
    check.start(files, ENVIRONMENT)
    return manifest


def _contents(model: Path) -> tuple[Manifest, dict[str, bytes]]:
    """What the image has in its working directory."""
    manifest = Manifest.read(model)
    pickle = verified_bytes(model, manifest)
    files = {"requirements.txt": REQUIREMENTS.read_bytes()}
    for path in sorted(ROOM.rglob("*.py")):
        name = path.relative_to(ROOM)
        if name.parts[0] not in _LEFT_OUT:
            files[f"scoring/{name.as_posix()}"] = path.read_bytes()
    files[f"model/{manifest.file}"] = pickle
    files[f"model/{MANIFEST}"] = (model / MANIFEST).read_bytes()
    return manifest, files


def _labels(manifest: Manifest) -> dict[str, str]:
    labels = {
        "model.name": manifest.name,
        "model.sha256": manifest.sha256,
        "model.version": manifest.version,
    }
    if manifest.accuracy is not None:
        labels["model.accuracy"] = f"{manifest.accuracy:.4f}"
    if manifest.data:
        labels["model.data"] = manifest.data
    return labels


def _config(labels: dict[str, str]) -> dict[str, Any]:
    return {
        "Cmd": ["python", "-m", "scoring.process"],
        "Env": [f"{name}={value}" for name, value in sorted(ENVIRONMENT.items())],
        "ExposedPorts": {"5001/tcp": {}},
        "Labels": labels,
        "User": "10001:10001",
        "WorkingDir": f"/{WORKDIR}",
    }


def _entries(files: dict[str, bytes]) -> Iterator[Entry]:
    for name, content in sorted(files.items()):
        yield file_entry(f"{WORKDIR}/{name}", io.BytesIO(content), len(content))


def _write_context(folder: Path, files: dict[str, bytes], labels: dict[str, str]) -> None:
    lines = [f'LABEL {name}="{_escaped(value)}"' for name, value in sorted(labels.items())]
    dockerfile = (ROOM / "Dockerfile").read_text("utf-8") + "\n".join(lines) + "\n"
    for name, content in {**files, "Dockerfile": dockerfile.encode()}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _escaped(text: str) -> str:
    """For double quotes in a Dockerfile."""
    return re.sub(r'([\\"$])', r"\\\1", text)
