"""An image: verified, unpacked once into a folder named by its digest."""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_azure.containers.layers import LayerError, Unpacker, freeze, thaw

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
"""Of this machine, in an image's words and in Kubernetes'."""

_MOST_BYTES_OF_CONFIG = 4 * 1024 * 1024


class ImageError(Exception):
    """An image that cannot be had or run; one line."""


@dataclass(frozen=True)
class Image:
    """An unpacked image.

    Attributes:
        digest: The manifest's digest.
        root: Its files.
        config: `Env`, `Entrypoint`, `Cmd`, `WorkingDir` of the image configuration.
    """

    digest: str
    root: Path
    config: dict[str, Any]

    @property
    def working_directory(self) -> Path:
        """Where the command starts, in the unpacked files.

        Raises:
            ImageError: it is not there, or leads out of the image.
        """
        named = str(self.config.get("WorkingDir") or "/")
        path = (self.root / named.lstrip("/")).resolve()
        if not path.is_relative_to(self.root.resolve()) or not path.is_dir():
            raise ImageError(f"the image's WorkingDir '{named}' is no folder of the image")
        return path

    @property
    def environment(self) -> dict[str, str]:
        """The image's own variables."""
        pairs = (each.partition("=") for each in self.config.get("Env") or [])
        return {name: value for name, _, value in pairs}

    @property
    def command(self) -> list[str]:
        """Entrypoint and command."""
        return [*(self.config.get("Entrypoint") or []), *(self.config.get("Cmd") or [])]


def unpack(digest: str, manifest: bytes, blob: Callable[[str], Path], folder: Path) -> Image:
    """Unpack an image below `folder`; one that is there already is used if it is as it was.

    Args:
        digest: The manifest's digest.
        manifest: An image manifest.
        blob: Gives the file of a blob.
        folder: Images by digest. An interrupted unpacking leaves no image there.

    Raises:
        ImageError: altered or missing blobs, an unsafe or too large layer.
    """
    _check(hashlib.sha256(manifest), digest, "the manifest")
    described = json.loads(manifest)
    try:
        config_digest = described["config"]["digest"]
        layers = [layer["digest"] for layer in described["layers"]]
        config_file = _verified(blob(config_digest), config_digest)
        if config_file.stat().st_size > _MOST_BYTES_OF_CONFIG:
            raise ImageError(f"its configuration has more than {_MOST_BYTES_OF_CONFIG:,} bytes")
        config = json.loads(config_file.read_bytes()).get("config") or {}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ImageError(f"its manifest or configuration is malformed: {error}") from error
    target = folder / digest.removeprefix("sha256:")
    sums = target.with_suffix(".sha256")
    if target.is_dir() and not _is_whole(target, sums):
        _delete(target)
    if not target.is_dir():
        _make(target, [(each, blob(each)) for each in layers])
        sums.write_text(_tree(target))
    return Image(digest, target, dict(config))


def _make(target: Path, layers: list[tuple[str, Path]]) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".unpacking-") as place:
        draft = Path(place) / "root"
        draft.mkdir()
        unpacker = Unpacker(draft)
        try:
            for digest, layer in layers:
                unpacker.apply(_verified(layer, digest))
        except LayerError as error:
            raise ImageError(str(error)) from error
        freeze(draft)
        # Renaming a folder writes to it: its `..` changes.
        draft.chmod(0o755)
        try:
            draft.rename(target)
        except OSError:
            thaw(draft)
            if not target.is_dir():  # else somebody else was faster
                raise
        else:
            target.chmod(0o555)


def remove_drafts(folder: Path) -> None:
    """Delete what an interrupted unpacking left."""
    for draft in folder.glob(".unpacking-*"):
        _delete(draft)


def _delete(folder: Path) -> None:
    thaw(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _is_whole(root: Path, sums: Path) -> bool:
    """Whether the files are those that were unpacked: a damaged disk must not change what runs."""
    try:
        return sums.read_bytes() == _tree(root).encode()
    except OSError:
        return False


def _tree(root: Path) -> str:
    """One digest of all names, kinds, rights to execute and contents."""
    whole = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            content = f"link {path.readlink()}"
        elif path.is_file():
            with path.open("rb") as file:
                content = f"file {hashlib.file_digest(file, 'sha256').hexdigest()}"
            content += f" {path.stat().st_mode & 0o100}"
        else:
            content = "folder"
        whole.update(f"{name}\0{content}\0".encode(errors="surrogateescape"))
    return whole.hexdigest()


def _verified(path: Path, digest: str) -> Path:
    try:
        with path.open("rb") as file:
            _check(hashlib.file_digest(file, "sha256"), digest, "a blob")
    except OSError as error:
        raise ImageError(f"the registry has lost the blob {digest}") from error
    return path


def _check(actual: Any, digest: str, what: str) -> None:
    found = f"sha256:{actual.hexdigest()}"
    if found != digest:
        raise ImageError(f"{what} was altered: its digest is {found}, not {digest}")
