"""Digests of bytes and files."""

from __future__ import annotations

import hashlib
from pathlib import Path


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, 64 lower-case hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def md5_of(data: bytes) -> str:
    """The MD5 by which the MNIST files are known; no protection against an attacker."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
