"""Microsoft.MachineLearningServices: workspaces."""

from __future__ import annotations

from local_azure.types.identity import TENANT
from local_azure.types.resource_type import STATE, Body, ResourceType, stable_guid
from local_azure.types.shape import (
    Field,
    Identities,
    Shape,
    flag,
    one,
    read_only,
    required,
    tags,
    text,
    whole,
)


def _outputs(resource_id: str, body: Body) -> Body:
    added: Body = {
        "properties": {
            "provisioningState": "Succeeded",
            "workspaceId": stable_guid(resource_id, "workspace"),
            "tenantId": TENANT,
        }
    }
    if "systemassigned" in str(body.get("identity", {}).get("type", "")).lower():
        added["identity"] = {
            "tenantId": TENANT,
            "principalId": stable_guid(resource_id, "principal"),
        }
    return added


_IDENTITY = Shape(
    {
        "type": required(
            text("None", "SystemAssigned", "UserAssigned", "SystemAssigned,UserAssigned")
        ),
        "userAssignedIdentities": Field(Identities()),
        "principalId": read_only(text()),
        "tenantId": read_only(text()),
    }
)
_SKU = Shape(
    {
        "name": required(text()),
        "tier": text("Free", "Basic", "Standard", "Premium"),
        "size": text(),
        "family": text(),
        "capacity": whole(),
    }
)

WORKSPACE = ResourceType(
    type="Microsoft.MachineLearningServices/workspaces",
    token="azure-native:machinelearningservices:Workspace",  # noqa: S106 - a type's name
    api_versions=("2025-12-01", "2024-04-01", "2023-10-01", "2022-05-01", "2020-08-01"),
    shape=Shape(
        top={
            "location": required(text()),
            "tags": tags(),
            "kind": text("Default", "Hub", "Project", "FeatureStore", default="Default"),
            "sku": one(_SKU),
            "identity": one(_IDENTITY),
        },
        properties={
            **STATE,
            "workspaceId": read_only(text()),
            "tenantId": read_only(text()),
            "discoveryUrl": text(),
            "friendlyName": text(),
            "description": text(),
            "storageAccount": text(),
            "keyVault": text(),
            "applicationInsights": text(),
            "containerRegistry": text(),
            "hbiWorkspace": flag(default=False),
            "imageBuildCompute": text(),
            "primaryUserAssignedIdentity": text(),
            "publicNetworkAccess": text("Enabled", "Disabled", default="Enabled"),
            "systemDatastoresAuthMode": text("AccessKey", "Identity", "UserDelegationSAS"),
            "v1LegacyMode": flag(default=False),
            "allowPublicAccessWhenBehindVnet": flag(),
            "enableDataIsolation": flag(),
        },
    ),
    name_input="workspaceName",
    new_on=(),
    immutable=(
        "properties.storageAccount",
        "properties.keyVault",
        "properties.hbiWorkspace",
    ),
    outputs=_outputs,
)
TYPES = (WORKSPACE,)
