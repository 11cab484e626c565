"""Microsoft.ContainerRegistry: registries."""

from __future__ import annotations

from local_azure.types.resource_type import Body, NameRule, ResourceType
from local_azure.types.schema import Overlay


def _outputs(_id: str, body: Body) -> Body:
    added: Body = {
        "provisioningState": "Succeeded",
        "dataEndpointHostNames": [],
        "privateEndpointConnections": [],
    }
    if body["sku"]["name"] == "Premium" and "networkRuleSet" not in body["properties"]:
        added["networkRuleSet"] = {"defaultAction": "Allow", "ipRules": []}
    return {"properties": added}


REGISTRY = ResourceType(
    type="Microsoft.ContainerRegistry/registries",
    token="azure-native:containerregistry:Registry",  # noqa: S106 - a type's name
    api_versions=("2023-01-01-preview", "2021-09-01"),
    overlay=Overlay(
        unsupported=("identity", "properties.encryption.keyVaultProperties"),
        read_only=(
            "sku.tier",
            "properties.provisioningState",
            "properties.loginServer",
            "properties.creationDate",
            "properties.dataEndpointHostNames",
            "properties.privateEndpointConnections",
            "properties.policies.retentionPolicy.lastUpdatedTime",
            "properties.policies.softDeletePolicy.lastUpdatedTime",
        ),
        renames={"properties.networkRuleSet.ipRules[].value": "iPAddressOrRange"},
        limits={
            "properties.policies.retentionPolicy.days": {"minimum": 0, "maximum": 365},
            "properties.policies.softDeletePolicy.retentionDays": {"minimum": 1, "maximum": 90},
        },
        # Recorded answers to azure-cli's `acr create`.
        defaults={
            "properties.adminUserEnabled": False,
            "properties.anonymousPullEnabled": False,
            "properties.dataEndpointEnabled": False,
            "properties.encryption": {"status": "disabled"},
            "properties.networkRuleBypassOptions": "AzureServices",
            "properties.policies": {
                "quarantinePolicy": {"status": "disabled"},
                "trustPolicy": {"type": "Notary", "status": "disabled"},
                "retentionPolicy": {"days": 7, "status": "disabled"},
                "exportPolicy": {"status": "enabled"},
                "azureADAuthenticationAsArmPolicy": {"status": "enabled"},
                "softDeletePolicy": {"retentionDays": 7, "status": "disabled"},
            },
            "properties.publicNetworkAccess": "Enabled",
            "properties.zoneRedundancy": "Disabled",
        },
    ),
    name_input="registryName",
    name_rule=NameRule(r"[A-Za-z0-9]{5,50}", "5 to 50 letters and digits"),
    immutable=("properties.zoneRedundancy",),
    outputs=_outputs,
)
TYPES = (REGISTRY,)
