"""A layer of an image: a packed tar archive. The same entries give the same bytes."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from scoring.environments import alone_in_cache, cache
from scoring.errors import ImageError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

GZIPPED = "application/vnd.oci.image.layer.v1.tar+gzip"

Entry = tuple[tarfile.TarInfo, IO[bytes] | None]
"""A file of an archive and its content, which is read before the next entry is asked for."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A packed layer on disk.

    Attributes:
        media_type: How it is packed.
        digest: Of the file, `sha256:` and 64 hexadecimal digits.
        size: Of the file, in bytes.
        diff_id: The digest of the archive inside.
        file: Where it is.
    """

    media_type: str
    digest: str
    size: int
    diff_id: str
    file: Path

    def descriptor(self) -> dict[str, Any]:
        """How a manifest names it."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size}

    def copied(self, folder: Path) -> Layer:
        """A copy by its digest in a folder of blobs, which may have it already.

        Raises:
            ImageError: The file is no longer what was packed.
        """
        target = folder / self.digest.removeprefix("sha256:")
        if target != self.file:
            with self.file.open("rb") as source:
                found = copy_blob(source, target)
            if found != self.digest:
                raise ImageError(f"the layer {self.file} was altered: it is {found}")
        return replace(self, file=target)


def pack(entries: Iterable[Entry], folder: Path) -> Layer:
    """Pack entries, in their order, to a file named by its digest; folders above are added.

    What an entry says of time and owner is left out, and no right of another user is given.

    Args:
        entries: Names are paths from the image's root, without a leading slash.
        folder: An existing folder of blobs.

    Raises:
        ImageError: An entry is a device or a pipe.
    """
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".layer-", delete=False) as file:
        draft = Path(file.name)
        try:
            packed = _Hashed(file)
            # Neither the packing time nor the packing machine may change the digest.
            with gzip.GzipFile("", "wb", 6, packed, mtime=0) as zipped:
                plain = _Hashed(zipped)
                with tarfile.open(fileobj=plain, mode="w|", format=tarfile.PAX_FORMAT) as tar:
                    for info, content in _with_folders(entries):
                        tar.addfile(_plain(info), content)
            draft.chmod(0o644)
            target = draft.rename(folder / packed.digest.removeprefix("sha256:"))
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    return Layer(GZIPPED, packed.digest, packed.size, plain.digest, target)


def copy_blob(source: IO[bytes], target: Path) -> str:
    """Copy a file; the digest of what was copied."""
    with target.open("wb") as file:
        copy = _Hashed(file)
        shutil.copyfileobj(source, copy, 1 << 20)
    return copy.digest


def packed_once(key: str, entries: Callable[[], Iterable[Entry]]) -> Layer:
    """A layer from the user's cache, packed where it is not there or was altered.

    Args:
        key: Says all that the entries depend on.
        entries: Makes them.

    Raises:
        ImageError: As `pack` does.
        PackagesError: The cache cannot be used.
    """
    folder = cache() / "image-layers"
    note = folder / f"{hashlib.sha256(key.encode()).hexdigest()}.json"
    with alone_in_cache(note.with_suffix(".lock")):
        layer = _noted(note)
        if layer is None:
            layer = pack(entries(), folder)
            note.write_text(json.dumps([layer.digest, layer.size, layer.diff_id]))
    return layer


def file_entry(name: str, content: IO[bytes], size: int, *, runs: bool = False) -> Entry:
    """An entry for a file that everybody may read."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o755 if runs else 0o644
    return info, content


def link_entry(name: str, target: str) -> Entry:
    """An entry for a symbolic link."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = tarfile.SYMTYPE, target, 0o777
    return info, None


def _noted(note: Path) -> Layer | None:
    try:
        digest, size, diff_id = json.loads(note.read_bytes())
        file = note.with_name(str(digest).removeprefix("sha256:"))
        with file.open("rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
    except (OSError, ValueError, TypeError):
        return None
    return Layer(GZIPPED, digest, size, diff_id, file) if found == file.name else None


def _with_folders(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Each folder once, and before what is in it."""
    seen = {"."}
    for info, content in entries:
        for parent in reversed(PurePosixPath(info.name).parents):
            if str(parent) not in seen:
                seen.add(str(parent))
                folder = tarfile.TarInfo(str(parent))
                folder.type, folder.mode = tarfile.DIRTYPE, 0o755
                yield folder, None
        if not (info.isdir() and info.name in seen):
            seen.add(info.name)
            yield info, content


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    if not (info.isreg() or info.isdir() or info.issym() or info.islnk()):
        raise ImageError(f"the entry {info.name} is no file, folder or link, and no image needs it")
    info.mode &= 0o1777 if info.isdir() else 0o777
    info.mtime = info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.pax_headers = {}
    return info


class _Hashed(io.RawIOBase):
    """Writes on, and knows length and digest of what was written."""

    def __init__(self, file: IO[bytes] | gzip.GzipFile) -> None:
        super().__init__()
        self._file = file
        self._sha256 = hashlib.sha256()
        self.size = 0

    @property
    def digest(self) -> str:
        """`sha256:` and 64 hexadecimal digits."""
        return f"sha256:{self._sha256.hexdigest()}"

    def writable(self) -> bool:
        """That is all that it is for."""
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        """All of it."""
        self._file.write(data)
        self._sha256.update(data)
        self.size += len(memoryview(data))
        return len(memoryview(data))
