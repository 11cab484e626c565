"""The scoring service as every target runs it: its image, its model, what its container is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from infra.configuration.reader import SettingError, foreign_image
from infra.image_reference import ImageReference

NAME = "sklearn-mnist-svc"


@dataclass(frozen=True)
class ScoringService:
    """What is the same on Container Instances and on Kubernetes.

    Attributes:
        image: The image by digest.
        model_sha256: The SHA-256 that the container demands of its model.
        model_version: The model's version in the workspace's registry.
        cpu: Cores of a container.
        memory_gb: Memory of a container in GB.
        port: The service's TCP port.
        dns_label: The first label of its host name.
        data: What the model was trained on, or None.
        description: What the service is; None: what the model's manifest says.
        scoring_key: The Bearer key, or None.
        scoring_key_secondary: Another that is as good, or None.
        tags: Tags beside the model's.
    """

    image: ImageReference
    model_sha256: str
    model_version: str | None
    cpu: float
    memory_gb: float
    port: int
    dns_label: str
    data: str | None
    description: str | None
    scoring_key: pulumi.Output[str] | None
    scoring_key_secondary: pulumi.Output[str] | None
    tags: Mapping[str, str]

    @property
    def identity(self) -> dict[str, str]:
        """Which model it is: shown on what runs it."""
        identity = {
            "data": self.data,
            "method": "sklearn",
            "modelSha256": self.model_sha256,
            "modelVersion": self.model_version,
        }
        return {name: value for name, value in identity.items() if value}

    @property
    def variables(self) -> dict[str, str]:
        """The container's environment variables that anybody may read."""
        variables = {"MODEL_SHA256": self.model_sha256, "SCORING_PORT": str(self.port)}
        return variables | ({"SERVICE_DESCRIPTION": self.description} if self.description else {})

    @property
    def keys(self) -> dict[str, pulumi.Output[str]]:
        """The container's environment variables that are secret; none where everybody may ask."""
        keys = {
            "SCORING_KEY": self.scoring_key,
            "SCORING_KEY_SECONDARY": self.scoring_key_secondary,
        }
        return {name: key for name, key in keys.items() if key is not None}

    def pulled_from(self, login_server: pulumi.Output[str]) -> None:
        """Refuse an image of another registry than the one that Azure names.

        Raises:
            SettingError: Once the login server is known.
        """
        login_server.apply(self._refuse_foreign)

    def _refuse_foreign(self, server: str) -> None:
        if not self.image.in_registry(server):
            raise SettingError([foreign_image("image", self.image, server)])
