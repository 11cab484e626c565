"""Microsoft.Resources: resource groups."""

from __future__ import annotations

from local_azure.types.resource_type import STATE, ResourceType, succeeded
from local_azure.types.shape import Shape, one, read_only, required, tags, text

RESOURCE_GROUP = ResourceType(
    type="Microsoft.Resources/resourceGroups",
    token="azure-native:resources:ResourceGroup",  # noqa: S106 - Pulumi's word for a type's name
    api_versions=("2024-03-01", "2025-04-01", "2022-12-01", "2021-04-01"),
    shape=Shape(
        {
            "location": required(text()),
            "tags": tags(),
            "managedBy": text(),
            "properties": read_only(one(Shape(STATE))),
        }
    ),
    name_input="resourceGroupName",
    scope_input="",
    outputs=succeeded,
)
TYPES = (RESOURCE_GROUP,)
