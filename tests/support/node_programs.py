"""What a node is made of beside the kubelet: containerd, runc and CNI's plugins, from Debian."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import pytest

from local_azure import cache, debian
from local_azure.errors import LocalAzureError

_PACKAGES = ("containerd", "containernetworking-plugins", "libseccomp2", "runc")


def unpacked() -> Path:
    """Their files, got once into the user's cache; where that is impossible, tests are skipped."""
    folder = cache.folder() / "node-of-debian"
    with cache.alone(folder.with_suffix(".lock"), "that gets a node's packages", print):
        if not folder.exists():
            sys.stderr.write(f"Getting {', '.join(_PACKAGES)} from Debian into {folder} ...\n")
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix="node-") as draft:
                root = Path(draft, "root")
                try:
                    debian.unpack(_PACKAGES, root, os.environ)
                except LocalAzureError as error:
                    pytest.skip(f"a real kubelet needs containerd and runc, and {error}")
                root.rename(folder)
    return folder
