"""What the two SDKs of Azure ML have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


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

    @classmethod
    def of(cls, model: Any, *, created: bool = False) -> Registered:
        """A model as either SDK describes it."""
        tags = dict(model.tags or {})
        return cls(model.name, int(model.version), tags.get("sha256", ""), tags, created)
