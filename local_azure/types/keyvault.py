"""Microsoft.KeyVault: vaults. The SDK keeps `properties` as Azure has it."""

from __future__ import annotations

from local_azure.types.resource_type import Body, NameRule, ResourceType
from local_azure.types.schema import Overlay


def _outputs(resource_id: str, _body: Body) -> Body:
    name = resource_id.rsplit("/", 1)[-1]
    return {
        "properties": {
            "provisioningState": "Succeeded",
            "vaultUri": f"https://{name}.vault.azure.net/",
        }
    }


VAULT = ResourceType(
    type="Microsoft.KeyVault/vaults",
    token="azure-native:keyvault:Vault",  # noqa: S106 - a type's name
    api_versions=("2024-11-01", "2021-06-01-preview"),
    overlay=Overlay(
        nested=True,
        read_only=("properties.provisioningState", "properties.vaultUri"),
        limits={
            "properties.softDeleteRetentionInDays": {"minimum": 7, "maximum": 90},
            "properties.enablePurgeProtection": {"const": True},
        },
        # Microsoft.KeyVault's REST reference, "Vaults - Create Or Update", and recorded answers.
        defaults={
            "properties.accessPolicies": [],
            "properties.enableRbacAuthorization": False,
            "properties.enableSoftDelete": True,
            "properties.enabledForDeployment": False,
            "properties.publicNetworkAccess": "Enabled",
            "properties.softDeleteRetentionInDays": 90,
            "properties.networkAcls.bypass": "AzureServices",
            "properties.networkAcls.defaultAction": "Allow",
        },
    ),
    name_input="vaultName",
    name_rule=NameRule(
        r"(?!.*--)[A-Za-z][-A-Za-z0-9]{1,22}[A-Za-z0-9]",
        "3 to 24 letters, digits and hyphens, a letter first, a letter or digit last, no two "
        "hyphens in a row",
        "VaultNameNotValid",
    ),
    new_on=(),
    immutable=("properties.softDeleteRetentionInDays",),
    irreversible=("properties.enablePurgeProtection",),
    outputs=_outputs,
)
TYPES = (VAULT,)
