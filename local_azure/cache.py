"""The folder for what every state folder may share: the Pulumi CLI, environments of images."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

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
