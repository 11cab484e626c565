"""The end of a state folder: whatever runs on it, then the folder itself, however damaged."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from local_azure import engine, process
from local_azure.errors import LocalAzureError
from local_azure.home import Home


def remove(home: Home) -> None:
    """Stop everything that runs on a state folder and delete it.

    Raises:
        LocalAzureError: The folder was not made by the stand-in, or cannot be deleted.
    """
    if not home.is_ours():
        raise LocalAzureError(
            f"{home.root} was not made by the stand-in; delete it yourself if you are sure"
        )
    engine.end_all(home)
    process.stop(home)
    try:
        shutil.rmtree(home.root, onerror=_writable)
    except OSError as error:
        raise LocalAzureError(
            f"{error.filename or home.root} cannot be deleted: {error.strerror}"
        ) from error


def _writable(remove: Callable[[str], object], path: str, _: object) -> None:
    """Unpacked images are read-only: make the folder writable and try again."""
    Path(path).parent.chmod(0o700)
    Path(path).chmod(0o700)
    remove(path)
