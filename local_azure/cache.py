"""The folder for what every state folder may share: the Pulumi CLI, environments of images."""

from __future__ import annotations

import fcntl
import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from local_azure.errors import LocalAzureError
from local_azure.home import CHECKOUT


def folder(environment: Mapping[str, str] = os.environ) -> Path:
    """In the user's cache: what `cache` in `[tool.local-azure]` of pyproject.toml names.

    Without that setting it is `local-azure`.
    """
    base = environment.get("XDG_CACHE_HOME") or str(
        Path(environment.get("HOME", "~")).expanduser() / ".cache"
    )
    try:
        settings = tomllib.loads((CHECKOUT / "pyproject.toml").read_text()).get("tool", {})
    except (OSError, tomllib.TOMLDecodeError):
        settings = {}
    return Path(base) / str(settings.get("local-azure", {}).get("cache", "local-azure"))


@contextmanager
def alone(lock: Path, work: str, say: Callable[[str], object]) -> Iterator[None]:
    """Two checkouts must not make the same thing at the same time: the second waits and says so.

    Args:
        lock: The file that is locked.
        work: What the other does, as in "that gets the Pulumi CLI".
        say: Tells the user.

    Raises:
        LocalAzureError: The cache folder cannot be written to.
    """
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        file = lock.open("w")
    except OSError as error:
        raise LocalAzureError(
            f"the cache folder {lock.parent} cannot be used: {error.strerror}; "
            "name another in XDG_CACHE_HOME"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Waiting for another set-up {work}.")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
