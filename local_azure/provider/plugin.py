"""The plugin as Pulumi wants it: an archive with an executable, installed into a PULUMI_HOME."""

from __future__ import annotations

import hashlib
import io
import os
import shlex
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

from local_azure.command import command_output
from local_azure.home import CHECKOUT

NAME = "azure-native"
VERSION = "3.24.0"
_STAMP = "local-azure.sha256"


def install(pulumi: Path, pulumi_home: Path, environment: Mapping[str, str]) -> bool:
    """Install the plugin into a private PULUMI_HOME, unless this very one is there.

    Args:
        pulumi: The CLI.
        pulumi_home: The private PULUMI_HOME: a user's own never gets this plugin.
        environment: The environment of the CLI, with PULUMI_HOME set to it.

    Returns:
        Whether it was installed now.

    Raises:
        LocalAzureError: The CLI refused.
    """
    script = _script()
    digest = hashlib.sha256(script).hexdigest()
    folder = pulumi_home / "plugins" / f"resource-{NAME}-v{VERSION}"
    if _is_there(folder, script, digest):
        return False
    with tempfile.TemporaryDirectory() as temporary:
        archive = Path(temporary) / "plugin.tgz"
        with tarfile.open(archive, "w:gz") as tar:
            for name, content, mode in (
                (f"pulumi-resource-{NAME}", script, 0o755),
                (_STAMP, digest.encode(), 0o644),
            ):
                member = tarfile.TarInfo(name)
                member.size, member.mode = len(content), mode
                tar.addfile(member, io.BytesIO(content))
        command = [
            *(str(pulumi), "plugin", "install", "resource", NAME, f"v{VERSION}"),
            *("--file", str(archive), "--reinstall"),
        ]
        command_output(
            command, environment, failed="pulumi could not install the stand-in's plugin"
        )
    return True


def _is_there(folder: Path, script: bytes, digest: str) -> bool:
    program = folder / f"pulumi-resource-{NAME}"
    try:
        stamped = (folder / _STAMP).read_bytes() == digest.encode()
        return stamped and program.read_bytes() == script and os.access(program, os.X_OK)
    except OSError:
        return False


def _script() -> bytes:
    """Runs this checkout's package with this interpreter, wherever the engine starts it."""
    command = shlex.join([sys.executable, "-m", "local_azure.provider"])
    path = shlex.quote(str(CHECKOUT))
    return f'#!/bin/sh\nexport PYTHONPATH={path}\nexec {command} "$@"\n'.encode()
