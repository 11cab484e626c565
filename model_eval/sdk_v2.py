"""The workspace through azure-ai-ml, SDK v2; the only module that loads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_eval.sdk import Registered
from model_eval.workspace_config import Workspace


@dataclass(frozen=True)
class SdkV2:
    """The calls of azure-ai-ml.

    Attributes:
        client: Its client of one workspace.
    """

    client: Any

    def info(self) -> dict[str, str]:
        """The SDK's version, and the workspace's names."""
        from importlib.metadata import version

        found = self.client.workspaces.get(self.client.workspace_name)
        return {
            "azure-ai-ml": version("azure-ai-ml"),
            "name": str(found.name),
            "resource_group": str(found.resource_group),
            "location": str(found.location),
            "subscription_id": str(self.client.subscription_id),
        }

    def list(self, name: str | None) -> list[Registered]:
        """All models, newest first, or those of one name; archived ones are none."""
        models = self.client.models
        names = [name] if name else [each.name for each in models.list()]
        found = [each for one in names for each in models.list(name=one)]
        found.sort(key=lambda each: str(each.creation_context.created_at), reverse=True)
        return [Registered.of(each) for each in found]

    def register(
        self,
        folder: Path,
        name: str,
        tags: Mapping[str, str],
        properties: Mapping[str, str],
        description: str,
    ) -> Registered:
        """Upload a folder as the next version of a model."""
        from azure.ai.ml.constants import AssetTypes  # pyright: ignore[reportMissingImports]
        from azure.ai.ml.entities import Model  # pyright: ignore[reportMissingImports]

        model = self.client.models.create_or_update(
            Model(
                name=name,
                path=str(folder),
                type=AssetTypes.CUSTOM_MODEL,
                tags=dict(tags),
                properties=dict(properties),
                description=description,
            )
        )
        return Registered.of(model, created=True)

    def download(self, name: str, version: int | None, to: Path) -> tuple[Registered, Path]:
        """Download a version, or the latest."""
        models = self.client.models
        model = (
            models.get(name, label="latest") if version is None else models.get(name, str(version))
        )
        models.download(name, str(model.version), download_path=str(to))
        # It writes DIRECTORY/NAME/FOLDER/..., or DIRECTORY/NAME/FILE.
        (place,) = (to / name).iterdir()
        return Registered.of(model), place


def connect(workspace: Workspace) -> SdkV2:
    """Open a workspace with azure-identity's default logins; never a browser window.

    Raises:
        azure.core.exceptions.AzureError: No login was taken, or there is no such workspace.
    """
    from azure.ai.ml import MLClient  # pyright: ignore[reportMissingImports]
    from azure.identity import DefaultAzureCredential

    client = MLClient(
        DefaultAzureCredential(),
        workspace.subscription,
        workspace.group,
        workspace.name,
        enable_telemetry=False,
    )
    client.workspaces.get(workspace.name)
    return SdkV2(client)
