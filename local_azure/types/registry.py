"""Microsoft.ContainerRegistry: registries."""

from __future__ import annotations

from local_azure.types.resource_type import STATE, ResourceType, succeeded
from local_azure.types.shape import (
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

_STATUS = text("enabled", "disabled")
_POLICIES = Shape(
    {
        "quarantinePolicy": one(Shape({"status": _STATUS})),
        "trustPolicy": one(Shape({"type": text("Notary"), "status": _STATUS})),
        "retentionPolicy": one(
            Shape({"days": whole(), "status": _STATUS, "lastUpdatedTime": read_only(text())})
        ),
        "exportPolicy": one(Shape({"status": _STATUS})),
        "azureADAuthenticationAsArmPolicy": one(Shape({"status": _STATUS})),
        "softDeletePolicy": one(
            Shape(
                {
                    "retentionDays": whole(),
                    "status": _STATUS,
                    "lastUpdatedTime": read_only(text()),
                }
            )
        ),
    }
)
_RULES = Shape(
    {
        "defaultAction": required(text("Allow", "Deny")),
        "ipRules": many(
            Shape({"iPAddressOrRange": named("value", required(text())), "action": text("Allow")})
        ),
    }
)
_SKU = Shape(
    {
        "name": required(text("Classic", "Basic", "Standard", "Premium")),
        "tier": read_only(text()),
    }
)

REGISTRY = ResourceType(
    type="Microsoft.ContainerRegistry/registries",
    token="azure-native:containerregistry:Registry",  # noqa: S106 - a type's name
    api_versions=("2023-01-01-preview", "2025-04-01", "2023-07-01"),
    shape=Shape(
        top={"location": required(text()), "tags": tags(), "sku": required(one(_SKU))},
        properties={
            **STATE,
            "loginServer": read_only(text()),
            "creationDate": read_only(text()),
            "adminUserEnabled": flag(default=False),
            "anonymousPullEnabled": flag(default=False),
            "dataEndpointEnabled": flag(default=False),
            "networkRuleBypassOptions": text("AzureServices", "None", default="AzureServices"),
            "networkRuleSet": one(_RULES),
            "policies": one(_POLICIES),
            "publicNetworkAccess": text("Enabled", "Disabled", default="Enabled"),
            "zoneRedundancy": text("Enabled", "Disabled", default="Disabled"),
        },
    ),
    name_input="registryName",
    immutable=("properties.zoneRedundancy",),
    outputs=succeeded,
)
TYPES = (REGISTRY,)
