"""A layer's archive, unpacked so that nothing of it can reach out of the image's folder.

Source: the OCI Image Specification 1.1, "Image Layer Filesystem Changeset".
"""

from __future__ import annotations

import posixpath
import shutil
import stat
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import zstandard

LARGEST = 15 * 10**9
"""Unpacked bytes of an image: Azure Container Instances' limit."""

MOST_FILES = 500_000
"""Entries of one image."""

DEEPEST = 200
"""Folders inside one another: as many as any program needs, and any path may be long."""

_ZSTD = b"\x28\xb5\x2f\xfd"
"""How a Zstandard frame begins (RFC 8878)."""

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"


_DAMAGED = (tarfile.TarError, EOFError, zlib.error, zstandard.ZstdError)


class LayerError(Exception):
    """A layer that is damaged, unsafe or too large."""


class Unpacker:
    """Applies layers, lowest first, to one folder.

    Attributes:
        root: The image's folder; it exists and is empty at first.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._bytes = 0
        self._files = 0

    def apply(self, layer: Path) -> None:
        """Unpack one layer: plain, gzipped or Zstandard.

        Raises:
            LayerError: with the entry's name.
        """
        try:
            with layer.open("rb") as file, _archive(file) as archive:
                for member in archive:
                    self._count(member)
                    self._place(archive, member)
        except (*_DAMAGED, OSError, UnicodeError) as error:
            raise LayerError(f"a layer cannot be unpacked: {error}") from error

    def _count(self, member: tarfile.TarInfo) -> None:
        self._files += 1
        self._bytes += max(0, member.size)
        if self._files > MOST_FILES:
            raise LayerError(f"the image has more than {MOST_FILES:,} files")
        if self._bytes > LARGEST:
            raise LayerError(f"the image has more than {LARGEST:,} bytes unpacked")

    def _place(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        path = self._inside(member.name)
        if path == self.root:
            return
        name = path.name
        if name == _OPAQUE:
            for below in list(path.parent.iterdir()) if path.parent.is_dir() else []:
                _remove(below)
            return
        if name.startswith(_WHITEOUT):
            gone = name.removeprefix(_WHITEOUT)
            if gone in ("", ".", ".."):
                raise LayerError(f"the entry '{member.name}' removes what has no name")
            _remove(path.with_name(gone))
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        if not (member.isdir() and path.is_dir() and not path.is_symlink()):
            _remove(path)
        if member.isdir():
            path.mkdir(exist_ok=True)
        elif member.issym():
            path.symlink_to(self._link(member, path))
        elif member.islnk():
            target = self._inside(member.linkname)
            if target.is_symlink() or not target.is_file():
                raise LayerError(f"the hard link '{member.name}' leads to no file of the image")
            path.hardlink_to(target)
        elif member.isreg():
            source = archive.extractfile(member)
            if source is None:
                raise LayerError(f"'{member.name}' has no content")
            with source, path.open("wb") as file:
                shutil.copyfileobj(source, file, 1 << 20)
            path.chmod(0o755 if member.mode & stat.S_IXUSR else 0o644)
        # Devices and pipes stay out: a process here has the machine's own.

    def _inside(self, name: str) -> Path:
        """Where an entry goes; its folders must not be links that lead out of the image."""
        if "\0" in name or ".." in PurePosixPath(name).parts:
            raise LayerError(f"the entry '{name}' leads out of the image")
        if len(PurePosixPath(name).parts) > DEEPEST:
            raise LayerError(f"the entry '{name[:40]}...' is more than {DEEPEST} folders deep")
        path = self.root / name.lstrip("/")
        if path == self.root:  # `./`, as Docker begins the layers that it builds
            return path
        try:
            parent = path.parent.resolve()
        except RuntimeError as error:  # how Python 3.11 and 3.12 report a loop
            raise LayerError(f"the entry '{name}' goes through a loop of links") from error
        if not parent.is_relative_to(self.root):
            raise LayerError(f"the entry '{name}' goes through a link that leads out of the image")
        return parent / path.name

    def _link(self, member: tarfile.TarInfo, path: Path) -> str:
        """A symbolic link's target, relative; an absolute one begins at the image's root."""
        folder = posixpath.relpath(path.parent, self.root)
        inner = (
            member.linkname if member.linkname.startswith("/") else f"{folder}/{member.linkname}"
        )
        target = posixpath.normpath(inner.lstrip("/"))
        if target == ".." or target.startswith("../"):
            raise LayerError(f"the link '{member.name}' leads out of the image")
        return posixpath.relpath(target, folder)


def _archive(file: BinaryIO) -> tarfile.TarFile:
    begins = file.read(len(_ZSTD))
    file.seek(0)
    if begins == _ZSTD:
        stream = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        return tarfile.open(fileobj=stream, mode="r|")
    return tarfile.open(fileobj=file)


def freeze(root: Path) -> None:
    """Take the right to write away from everybody."""
    _chmod(root, lambda mode: mode & ~0o222)


def thaw(root: Path) -> None:
    """Give it back to the owner, so that the files can be deleted."""
    _chmod(root, lambda mode: mode | 0o200)


def _chmod(root: Path, changed: Callable[[int], int]) -> None:
    for path in [root, *root.rglob("*")]:
        if not path.is_symlink():
            path.chmod(changed(stat.S_IMODE(path.stat().st_mode)))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
