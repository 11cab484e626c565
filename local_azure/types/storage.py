"""Microsoft.Storage: storage accounts."""

from __future__ import annotations

from local_azure.types.resource_type import STATE, Body, ResourceType
from local_azure.types.shape import (
    Entries,
    Field,
    Scalar,
    Shape,
    flag,
    many,
    named,
    one,
    read_only,
    required,
    tags,
    text,
    whole,
)


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


_RULES = Shape(
    {
        "bypass": text("None", "Logging", "Metrics", "AzureServices", default="AzureServices"),
        "defaultAction": required(text("Allow", "Deny")),
        "ipRules": many(
            Shape(
                {
                    "iPAddressOrRange": named("value", required(text())),
                    "action": text("Allow", default="Allow"),
                }
            )
        ),
    }
)

STORAGE_ACCOUNT = ResourceType(
    type="Microsoft.Storage/storageAccounts",
    token="azure-native:storage:StorageAccount",  # noqa: S106 - a type's name
    api_versions=("2024-01-01", "2025-06-01", "2023-05-01", "2023-01-01"),
    shape=Shape(
        top={
            "location": required(text()),
            "tags": tags(),
            "kind": required(
                text("StorageV2", "Storage", "BlobStorage", "FileStorage", "BlockBlobStorage")
            ),
            "sku": required(one(Shape({"name": required(text()), "tier": read_only(text())}))),
        },
        properties={
            **STATE,
            "primaryLocation": read_only(text()),
            "statusOfPrimary": read_only(text()),
            "primaryEndpoints": read_only(Field(Entries(Scalar(str)))),
            "accessTier": text("Hot", "Cool", "Premium", "Cold"),
            "allowBlobPublicAccess": flag(default=False),
            "allowCrossTenantReplication": flag(default=False),
            "allowSharedKeyAccess": flag(),
            "defaultToOAuthAuthentication": flag(),
            "dnsEndpointType": text("Standard", "AzureDnsZone"),
            "enableHttpsTrafficOnly": named("supportsHttpsTrafficOnly", flag(default=True)),
            "minimumTlsVersion": text("TLS1_0", "TLS1_1", "TLS1_2", "TLS1_3", default="TLS1_0"),
            "publicNetworkAccess": text("Enabled", "Disabled", "SecuredByPerimeter"),
            "isHnsEnabled": flag(),
            "isLocalUserEnabled": flag(),
            "isSftpEnabled": flag(),
            "largeFileSharesState": text("Enabled", "Disabled"),
            "networkRuleSet": named("networkAcls", one(_RULES)),
            "sasPolicy": one(
                Shape(
                    {
                        "sasExpirationPeriod": required(text()),
                        "expirationAction": required(text("Log", "Block")),
                    }
                )
            ),
            "keyPolicy": one(Shape({"keyExpirationPeriodInDays": required(whole())})),
        },
    ),
    name_input="accountName",
    new_on=("location", "isHnsEnabled"),
    immutable=("properties.isHnsEnabled",),
    outputs=_outputs,
)
TYPES = (STORAGE_ACCOUNT,)
