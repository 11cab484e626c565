"""What exists above resource groups: one tenant, one subscription, Azure's public regions."""

from __future__ import annotations

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


def check_subscription(subscription: str) -> None:
    """Refuse another subscription than the one there is.

    Raises:
        ArmError: 404 `SubscriptionNotFound`.
    """
    if subscription.lower() != SUBSCRIPTION:
        raise ArmError(
            404,
            "SubscriptionNotFound",
            f"The subscription '{subscription}' could not be found; the stand-in has "
            f"'{SUBSCRIPTION}'.",
        )
