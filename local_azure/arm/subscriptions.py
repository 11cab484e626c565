"""What exists above resource groups: one tenant, one subscription, Azure's public regions."""

from __future__ import annotations

from dataclasses import dataclass

from local_azure.arm.errors import ArmError

SUBSCRIPTION = "00000000-0000-0000-0000-00000000da7a"
TENANT = "00000000-0000-0000-0000-0000000adf50"

_REGIONS = """
    australiacentral australiaeast australiasoutheast austriaeast belgiumcentral brazilsouth
    canadacentral canadaeast centralindia centralus chilecentral eastasia eastus eastus2
    francecentral germanywestcentral indonesiacentral israelcentral italynorth japaneast
    japanwest koreacentral koreasouth malaysiawest mexicocentral newzealandnorth
    northcentralus northeurope norwayeast polandcentral qatarcentral southafricanorth
    southcentralus southeastasia southindia spaincentral swedencentral switzerlandnorth
    switzerlandwest uaenorth uksouth ukwest westcentralus westeurope westindia westus
    westus2 westus3
"""
REGIONS = tuple(_REGIONS.split())
"""The public cloud's regions that anybody can deploy to."""


@dataclass(frozen=True)
class Subscriptions:
    """The one subscription of the stand-in.

    Attributes:
        subscription: Its id.
        tenant: The directory it trusts.
        locations: Where resources may be.
    """

    subscription: str = SUBSCRIPTION
    tenant: str = TENANT
    locations: tuple[str, ...] = REGIONS

    def check(self, subscription: str) -> None:
        """Refuse another subscription.

        Raises:
            ArmError: 404 `SubscriptionNotFound`.
        """
        if subscription.lower() != self.subscription:
            raise ArmError(
                404,
                "SubscriptionNotFound",
                f"The subscription '{subscription}' could not be found; the stand-in has "
                f"'{self.subscription}'.",
            )

    def body(self, state: str = "Enabled") -> dict[str, object]:
        """The subscription as ARM shows it."""
        return {
            "id": f"/subscriptions/{self.subscription}",
            "subscriptionId": self.subscription,
            "tenantId": self.tenant,
            "displayName": "Local stand-in",
            "state": state,
            "subscriptionPolicies": {
                "locationPlacementId": "Public_2014-09-01",
                "quotaId": "Local_2026-01-01",
                "spendingLimit": "Off",
            },
            "authorizationSource": "RoleBased",
            "managedByTenants": [],
        }

    def tenant_body(self) -> dict[str, object]:
        """The tenant as ARM shows it."""
        return {
            "id": f"/tenants/{self.tenant}",
            "tenantId": self.tenant,
            "displayName": "Local stand-in",
            "tenantCategory": "Home",
        }

    def location_bodies(self) -> list[dict[str, object]]:
        """The regions as ARM lists them."""
        return [
            {
                "id": f"/subscriptions/{self.subscription}/locations/{name}",
                "name": name,
                "type": "Region",
                "displayName": name,
                "metadata": {"regionType": "Physical"},
            }
            for name in self.locations
        ]
