"""The layer with the packages of a lock, as pip would install them in the image."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from scoring import environments
from scoring.image.layer import Entry, Layer, file_entry, packed_once

PYTHON = "3.11"
"""Of the Dockerfile, and of every base."""

_PLATFORM = "x86_64-manylinux_2_28"
"""Wheels for a C library as old as Debian 11's; no machine's own compiler has a part in it."""


def layer(lock: bytes, folder: str) -> Layer:
    """The packages of a lock in a folder of the image, made once.

    There is no bytecode: only a Python 3.11 could write it, and none need be here.

    Args:
        lock: Pinned and with hashes.
        folder: Where the image's Python looks for packages, from its root.

    Raises:
        PackagesError: They cannot be installed, or kept in the cache.
    """
    key = "\0".join([lock.decode(), folder, Path(__file__).read_text("utf-8")])
    return packed_once(key, lambda: _entries(lock, folder))


def _entries(lock: bytes, folder: str) -> Iterator[Entry]:
    with tempfile.TemporaryDirectory() as name:
        requirements, root = Path(name, "requirements.txt"), Path(name, "packages")
        requirements.write_bytes(lock)
        environments.install_for(requirements, root, PYTHON, _PLATFORM, "the image's packages")
        for path in sorted(root.rglob("*")):
            inner = path.relative_to(root)
            # Programs name this machine's Python in their first line; the service runs none.
            if path.is_dir() or inner.parts[0] in ("bin", ".lock"):
                continue
            if inner.name == "RECORD":
                lines = path.read_bytes().splitlines(keepends=True)
                path.write_bytes(b"".join(each for each in lines if not each.startswith(b"bin/")))
            size, mode = path.stat().st_size, path.stat().st_mode
            with path.open("rb") as file:
                yield file_entry(f"{folder}/{inner}", file, size, runs=bool(mode & 0o100))
