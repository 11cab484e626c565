"""Microsoft.MachineLearningServices: workspaces."""

from __future__ import annotations

from local_azure.types.identity import TENANT
from local_azure.types.resource_type import Body, NameRule, ResourceType, stable_guid
from local_azure.types.schema import Overlay


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


WORKSPACE = ResourceType(
    type="Microsoft.MachineLearningServices/workspaces",
    token="azure-native:machinelearningservices:Workspace",  # noqa: S106 - a type's name
    api_versions=("2025-12-01", "2020-08-01"),
    overlay=Overlay(
        required=("location",),
        unsupported=(
            "properties.encryption",
            "properties.featureStoreSettings",
            "properties.managedNetwork",
            "properties.serverlessComputeSettings",
            "properties.serviceManagedResourcesSettings",
            "properties.sharedPrivateLinkResources",
            "properties.workspaceHubConfig",
        ),
        read_only=(
            "properties.provisioningState",
            "properties.workspaceId",
            "properties.tenantId",
            "identity.principalId",
            "identity.tenantId",
        ),
        # Recorded answers to azure-ai-ml.
        defaults={
            "kind": "Default",
            "properties.hbiWorkspace": False,
            "properties.publicNetworkAccess": "Enabled",
            "properties.v1LegacyMode": False,
        },
    ),
    name_input="workspaceName",
    name_rule=NameRule(
        r"[A-Za-z0-9][-_A-Za-z0-9]{2,32}",
        "3 to 33 letters, digits, hyphens and underscores, a letter or digit first",
    ),
    new_on=(),
    immutable=("properties.storageAccount", "properties.keyVault", "properties.hbiWorkspace"),
    outputs=_outputs,
)
TYPES = (WORKSPACE,)
