"""What an SDK of Azure ML has to do for the registry, whichever of the two it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol


class SdkVersion(StrEnum):
    """Microsoft's clients: azureml-core is v1, azure-ai-ml v2."""

    V1 = "v1"
    V2 = "v2"


@dataclass(frozen=True)
class Registered:
    """A model in the workspace: `created` is whether this call made the version."""

    name: str
    version: int
    sha256: str
    tags: Mapping[str, str]
    created: bool = False


class Sdk(Protocol):
    """What an SDK has to do; each call may raise anything of the SDK's own."""

    def info(self) -> dict[str, str]:
        """The SDK's version, and the workspace's names."""
        ...

    def list(self, name: str | None) -> list[Registered]:
        """All models, newest first, or those of one name."""
        ...

    def register(
        self,
        folder: Path,
        name: str,
        tags: Mapping[str, str],
        properties: Mapping[str, str],
        description: str,
    ) -> Registered:
        """Upload a folder as the next version of a model."""
        ...

    def download(self, name: str, version: int | None, to: Path) -> tuple[Registered, Path]:
        """Download a version, or the latest, into a folder; says where its file or folder is."""
        ...
