"""Microsoft.Resources: resource groups."""

from __future__ import annotations

from local_azure.types.resource_type import ResourceType, succeeded
from local_azure.types.schema import Overlay

RESOURCE_GROUP = ResourceType(
    type="Microsoft.Resources/resourceGroups",
    token="azure-native:resources:ResourceGroup",  # noqa: S106 - Pulumi's word for a type's name
    api_versions=("2024-03-01", "2021-04-01"),
    overlay=Overlay(nested=True, read_only=("properties",)),
    name_input="resourceGroupName",
    scope_input="",
    left_out="default",
    missing="ResourceGroupNotFound",
    outputs=succeeded,
)
TYPES = (RESOURCE_GROUP,)
