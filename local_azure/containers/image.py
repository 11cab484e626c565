"""An image: pulled from a registry of the stand-in, verified, unpacked once."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import stat
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_azure.registry.blobs import Blobs

LARGEST_UNPACKED = 15 * 10**9
"""Azure Container Instances' limit for an image."""

REFERENCE = re.compile(
    r"(?P<server>[^/]+)/(?P<repository>[a-z0-9][a-z0-9._/-]*)"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64})|:(?P<tag>[A-Za-z0-9_][A-Za-z0-9._-]{0,127}))?"
)


class ImageError(Exception):
    """An image that cannot be had or run."""


@dataclass(frozen=True)
class Image:
    """An unpacked image.

    Attributes:
        digest: The manifest's digest.
        root: Its files.
        config: `Env`, `Entrypoint`, `Cmd`, `WorkingDir`, `Labels` of the image configuration.
    """

    digest: str
    root: Path
    config: dict[str, Any]

    @property
    def working_directory(self) -> Path:
        """Where the command starts, in the unpacked files."""
        return self.root / str(self.config.get("WorkingDir") or "/").lstrip("/")

    @property
    def environment(self) -> dict[str, str]:
        """The image's own variables."""
        pairs = (each.partition("=") for each in self.config.get("Env") or [])
        return {name: value for name, _, value in pairs}

    @property
    def labels(self) -> dict[str, str]:
        """The image's labels."""
        return dict(self.config.get("Labels") or {})

    @property
    def command(self) -> list[str]:
        """Entrypoint and command."""
        return [*(self.config.get("Entrypoint") or []), *(self.config.get("Cmd") or [])]


def unpack(blobs: Blobs, repository: str, reference: str, folder: Path) -> Image:
    """Unpack an image below `folder`, in a folder of its digest; one that is there is used.

    Raises:
        ImageError: No such image, altered blobs, an unsafe or too large layer.
    """
    found = blobs.manifest(repository, reference)
    if found is None:
        raise ImageError(f"the registry has no image {repository} with {reference}")
    digest, _, content = found
    manifest = json.loads(content)
    config = json.loads(_verified(blobs, manifest["config"]["digest"]).read_bytes())
    target = folder / digest.removeprefix("sha256:")
    if not target.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".unpacking-") as draft_name:
            draft = Path(draft_name) / "root"
            draft.mkdir()
            for layer in manifest["layers"]:
                _apply(_verified(blobs, layer["digest"]), draft)
            _freeze(draft)
            try:
                draft.rename(target)
            finally:
                if draft.exists():
                    _thaw(draft)
    return Image(digest, target, dict(config.get("config") or {}))


def remove(folder: Path) -> None:
    """Delete unpacked images."""
    if folder.exists():
        _thaw(folder)
        shutil.rmtree(folder)


def _verified(blobs: Blobs, digest: str) -> Path:
    path = blobs.blob(digest)
    try:
        with path.open("rb") as file:
            found = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    except OSError as error:
        raise ImageError(f"the registry has lost the blob {digest}") from error
    if found != digest:
        raise ImageError(f"the blob {digest} was altered: its digest is {found}")
    return path


def _apply(layer: Path, root: Path) -> None:
    try:
        with tarfile.open(layer) as tar:
            size = 0
            for member in tar:
                size += member.size
                if size > LARGEST_UNPACKED:
                    raise ImageError(f"a layer is larger than {LARGEST_UNPACKED} bytes")
                name = Path(member.name).name
                if name.startswith(".wh."):
                    _whiteout(root, Path(member.name))
                else:
                    # Refuses absolute paths, paths and links out of the root, and devices.
                    tar.extract(member, root, filter="data")
    except tarfile.TarError as error:
        raise ImageError(f"a layer cannot be unpacked safely: {error}") from error


def _whiteout(root: Path, mark: Path) -> None:
    """A layer's way to say that a file of a lower layer is gone."""
    folder = (root / mark).parent
    if not folder.resolve().is_relative_to(root.resolve()):
        raise ImageError(f"a layer deletes outside of the image: {mark}")
    gone = folder.iterdir() if mark.name == ".wh..wh..opq" else [folder / mark.name[4:]]
    for path in list(gone):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _freeze(root: Path) -> None:
    for path in [root, *root.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))


def _thaw(root: Path) -> None:
    for path in [root, *root.rglob("*")]:
        if path.is_dir() and not path.is_symlink():
            path.chmod(path.stat().st_mode | stat.S_IWUSR)
