"""A base that somebody exported: an OCI image layout, as a folder or as one archive.

Every blob is compared with its digest, and every layer with the digest of what is packed in it.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from scoring.errors import ImageError
from scoring.image.layer import GZIPPED, Layer, copy_blob
from scoring.image.oci import Base

_PLAIN = "application/vnd.oci.image.layer.v1.tar"
_LAYERS = {
    GZIPPED: GZIPPED,
    _PLAIN: _PLAIN,
    "application/vnd.docker.image.rootfs.diff.tar.gzip": GZIPPED,
    "application/vnd.docker.image.rootfs.diff.tar": _PLAIN,
}
"""How a layer may be packed, and what OCI calls it."""

_PACKAGES = {
    "usr/local/bin/python3.11": "usr/local/lib/python3.11/site-packages",
    "usr/bin/python3.11": "usr/local/lib/python3.11/dist-packages",
}
"""Where a Python looks for packages: that of Docker's image, and Debian's own."""

_LARGEST_TEXT = 4 * 1024 * 1024
"""Bytes of an index, a manifest or a configuration."""


_NO_LAYOUT = (
    "it is no OCI image layout; export one with: skopeo copy"
    " docker://python:3.11-slim-bookworm oci:FOLDER, or docker save (Docker 25 or newer)"
)


_Files = Callable[[str], IO[bytes]]
"""Opens a file of the layout by its name."""


def base(path: Path, blobs: Path) -> Base:
    """A base from an exported image; its layers are copied.

    Args:
        path: A folder with an OCI image layout, or an archive of one, as `docker save` makes it.
        blobs: An existing folder, for the layers.

    Raises:
        ImageError: No image for x86-64 with Python 3.11 of the GNU C library, or a damaged one.
    """
    try:
        with _opened(path) as files:
            try:
                index = files("index.json")
            except FileNotFoundError:
                raise ImageError(_NO_LAYOUT) from None
            manifest = _manifest(files, json.loads(_text(index)))
            described = json.loads(_blob(files, manifest["config"]["digest"]))
            if (described["os"], described["architecture"]) != ("linux", "amd64"):
                raise ImageError(
                    f"it is for {described['os']}/{described['architecture']}, and the"
                    " service's packages are for linux/amd64"
                )
            diff_ids = described["rootfs"]["diff_ids"]
            layers = tuple(
                _layer(files, each, diff_id, blobs)
                for each, diff_id in zip(manifest["layers"], diff_ids, strict=True)
            )
        return Base(layers, described.get("config") or {}, _packages(layers))
    except ImageError as error:
        raise ImageError(f"the base {path}: {error}") from error
    except (OSError, tarfile.TarError, zlib.error, EOFError) as error:
        # tarfile says a line for each way to read an archive.
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0].rstrip(":")
        raise ImageError(f"the base {path} cannot be read: {reason}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ImageError(f"the base {path}: {_NO_LAYOUT}") from error


@contextmanager
def _opened(path: Path) -> Iterator[_Files]:
    if path.is_dir():
        yield lambda name: (path / name).open("rb")
        return
    with tarfile.open(path) as archive:

        def member(name: str) -> IO[bytes]:
            try:
                content = archive.extractfile(name)
            except KeyError:
                content = None
            if content is None:
                raise FileNotFoundError(2, "No such file in the archive", name)
            return content

        yield member


def _manifest(files: _Files, index: Any) -> Any:
    """The one for this platform; what attests others' builds is of none."""
    digests = {each["digest"] for each in index["manifests"] if _fits(each.get("platform"))}
    if len(digests) != 1:
        raise ImageError(f"it has {len(digests)} images for linux/amd64, where one is wanted")
    described = json.loads(_blob(files, digests.pop()))
    return _manifest(files, described) if "manifests" in described else described


def _fits(platform: Any) -> bool:
    return platform is None or (platform["os"], platform["architecture"]) == ("linux", "amd64")


def _blob(files: _Files, digest: str) -> bytes:
    content = _text(_opened_blob(files, digest))
    _same(f"sha256:{hashlib.sha256(content).hexdigest()}", digest)
    return content


def _text(file: IO[bytes]) -> bytes:
    with file:
        content = file.read(_LARGEST_TEXT + 1)
    if len(content) > _LARGEST_TEXT:
        raise ImageError(f"an index, manifest or configuration has over {_LARGEST_TEXT:,} bytes")
    return content


def _opened_blob(files: _Files, digest: str) -> IO[bytes]:
    if not re.fullmatch("sha256:[0-9a-f]{64}", digest):
        raise ImageError(f"{digest!r} is no SHA-256")
    try:
        return files(f"blobs/sha256/{digest.removeprefix('sha256:')}")
    except FileNotFoundError:
        raise ImageError(f"the blob {digest} is not in it") from None


def _layer(files: _Files, described: Any, diff_id: str, blobs: Path) -> Layer:
    digest, packed = described["digest"], described["mediaType"]
    if packed not in _LAYERS:
        raise ImageError(f"a layer is packed as {packed}; export it with gzip")
    target = blobs / digest.removeprefix("sha256:")
    with _opened_blob(files, digest) as source:
        _same(copy_blob(source, target), digest)
    if _LAYERS[packed] == GZIPPED:
        with gzip.open(target) as inner:
            found = hashlib.file_digest(inner, "sha256").hexdigest()
        _same(f"sha256:{found}", diff_id)
    else:
        _same(digest, diff_id)
    return Layer(_LAYERS[packed], digest, target.stat().st_size, diff_id, target)


def _same(found: str, wanted: str) -> None:
    if found != wanted:
        raise ImageError(f"a blob was altered or cut off: its digest is {found}, not {wanted}")


def _packages(layers: tuple[Layer, ...]) -> str:
    """Where its Python looks for packages."""
    names: set[str] = set()
    for layer in layers:
        with tarfile.open(layer.file) as tar:
            names.update(member.name.removeprefix("./").lstrip("/") for member in tar)
    if any(re.fullmatch(r"(usr/)?lib/ld-musl-[^/]*", name) for name in names):
        raise ImageError("it has musl for a C library, and the packages need GNU's, as Debian's is")
    found = next((each for each in _PACKAGES if each in names), None)
    if found is None or found.removesuffix("3.11") not in names:
        raise ImageError("it has no program python of version 3.11, for which the packages are")
    return _PACKAGES[found]
