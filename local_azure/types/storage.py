"""Microsoft.Storage: storage accounts."""

from __future__ import annotations

from local_azure.types.resource_type import Body, NameRule, ResourceType
from local_azure.types.schema import Overlay

OPEN_NETWORK = {
    "bypass": "AzureServices",
    "virtualNetworkRules": [],
    "ipRules": [],
    "defaultAction": "Allow",
}
"""The rules of an account that was given none; what azure-native restores when a program drops
`networkRuleSet`, because the service would keep the old ones."""


def _outputs(resource_id: str, body: Body) -> Body:
    name = resource_id.rsplit("/", 1)[-1]
    services = ("blob", "file", "queue", "table", "dfs", "web")
    return {
        "properties": {
            "provisioningState": "Succeeded",
            "primaryLocation": body["location"],
            "statusOfPrimary": "available",
            "primaryEndpoints": {
                service: f"https://{name}.{service}.core.windows.net/" for service in services
            },
        }
    }


STORAGE_ACCOUNT = ResourceType(
    type="Microsoft.Storage/storageAccounts",
    token="azure-native:storage:StorageAccount",  # noqa: S106 - a type's name
    api_versions=("2024-01-01", "2021-09-01"),
    overlay=Overlay(
        unsupported=(
            "extendedLocation",
            "identity",
            "properties.azureFilesIdentityBasedAuthentication",
            "properties.customDomain",
            "properties.encryption.identity",
            "properties.encryption.keyvaultproperties",
            "properties.immutableStorageWithVersioning",
        ),
        read_only=(
            "sku.tier",
            "properties.provisioningState",
            "properties.primaryLocation",
            "properties.statusOfPrimary",
            "properties.primaryEndpoints",
        ),
        renames={
            "properties.supportsHttpsTrafficOnly": "enableHttpsTrafficOnly",
            "properties.networkAcls": "networkRuleSet",
            "properties.networkAcls.ipRules[].value": "iPAddressOrRange",
            "properties.networkAcls.virtualNetworkRules[].id": "virtualNetworkResourceId",
            "properties.isNfsV3Enabled": "enableNfsV3",
        },
        # Recorded answers to azure-cli, and Microsoft.Storage's REST reference.
        defaults={
            "properties.accessTier": "Hot",
            "properties.allowBlobPublicAccess": False,
            "properties.allowCrossTenantReplication": False,
            "properties.encryption": {
                "keySource": "Microsoft.Storage",
                "services": {
                    "blob": {"enabled": True, "keyType": "Account"},
                    "file": {"enabled": True, "keyType": "Account"},
                },
            },
            "properties.minimumTlsVersion": "TLS1_0",
            "properties.networkAcls": OPEN_NETWORK,
            "properties.networkAcls.ipRules[].action": "Allow",
            "properties.supportsHttpsTrafficOnly": True,
        },
    ),
    name_input="accountName",
    name_rule=NameRule(
        r"[a-z0-9]{3,24}", "3 to 24 lower-case letters and digits", "AccountNameInvalid"
    ),
    new_on=("location", "isHnsEnabled"),
    immutable=("properties.isHnsEnabled",),
    # pulumi-azure-native's pull request 2915: the service keeps what a PUT leaves out.
    left_out="kept",
    restored={"networkRuleSet": OPEN_NETWORK},
    outputs=_outputs,
)
TYPES = (STORAGE_ACCOUNT,)
