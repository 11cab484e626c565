"""Where a stack's resources go, and what all of them carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from infra.naming import Names


@dataclass(frozen=True)
class Place:
    """What every component of a stack needs to know.

    Attributes:
        names: The names of the resources.
        subscription_id: The subscription of everything.
        resource_group: The name of the group that holds them.
        location: Azure region.
        protect: Whether Pulumi refuses to delete what cannot be made again.
        tags: Tags of every resource that can have them.
    """

    names: Names
    subscription_id: str
    resource_group: pulumi.Output[str]
    location: str
    protect: bool
    tags: Mapping[str, str]

    @property
    def common(self) -> dict[str, Any]:
        """What every resource is told, in the provider's names."""
        return {
            "resource_group_name": self.resource_group,
            "location": self.location,
            "tags": self.tags,
        }
