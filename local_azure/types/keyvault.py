"""Microsoft.KeyVault: vaults. The SDK keeps `properties` as Azure has it."""

from __future__ import annotations

from local_azure.types.resource_type import Body, ResourceType
from local_azure.types.shape import (
    Shape,
    flag,
    guid,
    many,
    one,
    read_only,
    required,
    tags,
    text,
    texts,
    whole,
)


def _outputs(resource_id: str, _body: Body) -> Body:
    name = resource_id.rsplit("/", 1)[-1]
    return {
        "properties": {
            "provisioningState": "Succeeded",
            "vaultUri": f"https://{name}.vault.azure.net/",
        }
    }


_PERMISSIONS = Shape(
    {"keys": texts(), "secrets": texts(), "certificates": texts(), "storage": texts()}
)
_POLICY = Shape(
    {
        "tenantId": required(guid()),
        "objectId": required(text()),
        "applicationId": guid(),
        "permissions": required(one(_PERMISSIONS)),
    }
)
_RULES = Shape(
    {
        "bypass": text("None", "AzureServices", default="AzureServices"),
        "defaultAction": text("Allow", "Deny", default="Allow"),
        "ipRules": many(Shape({"value": required(text())})),
        "virtualNetworkRules": many(Shape({"id": required(text())})),
    }
)
_PROPERTIES = Shape(
    {
        "provisioningState": read_only(text()),
        "vaultUri": read_only(text()),
        "tenantId": required(guid()),
        "sku": required(
            one(
                Shape(
                    {
                        "family": required(text("A")),
                        "name": required(text("standard", "premium")),
                    }
                )
            )
        ),
        "accessPolicies": many(_POLICY),
        "createMode": text("default", "recover"),
        "enablePurgeProtection": flag(),
        "enableRbacAuthorization": flag(default=False),
        "enableSoftDelete": flag(default=True),
        "enabledForDeployment": flag(default=False),
        "enabledForDiskEncryption": flag(),
        "enabledForTemplateDeployment": flag(),
        "networkAcls": one(_RULES),
        "publicNetworkAccess": text("Enabled", "Disabled", default="Enabled"),
        "softDeleteRetentionInDays": whole(default=90),
    }
)

VAULT = ResourceType(
    type="Microsoft.KeyVault/vaults",
    token="azure-native:keyvault:Vault",  # noqa: S106 - a type's name
    api_versions=("2024-11-01", "2023-07-01", "2022-07-01"),
    shape=Shape(
        {"location": required(text()), "tags": tags(), "properties": required(one(_PROPERTIES))}
    ),
    name_input="vaultName",
    new_on=(),
    immutable=("properties.softDeleteRetentionInDays",),
    outputs=_outputs,
)
TYPES = (VAULT,)
