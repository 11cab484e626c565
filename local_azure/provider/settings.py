"""The stack's configuration of azure-native, as far as the stand-in can follow it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from local_azure.provider.arm_client import Login

_PREFIX = "azure-native:config:"

_WITHOUT_EFFECT = frozenset(["disableInstanceDiscovery", "disablePulumiPartnerId", "partnerId"])
"""They say how Azure is told who asks, never what is made."""

_OUTRANKED = frozenset(["environment"])
"""azure-native itself ignores it where ARM_METADATA_HOSTNAME is set, as here."""


class SettingsError(Exception):
    """A setting that would be ignored: one line with the way out."""


@dataclass(frozen=True)
class Settings:
    """What the configuration says.

    Attributes:
        location: For resources that are given none, or "".
    """

    location: str = ""

    @classmethod
    def from_variables(cls, variables: Mapping[str, str], login: Login) -> Settings:
        """Settings from the variables of a `ConfigureRequest`.

        Raises:
            SettingsError: One of them means another Azure than the stand-in.
        """
        own = {
            "subscriptionId": login.subscription,
            "tenantId": login.tenant,
            "clientId": login.client_id,
        }
        given = {
            name.removeprefix(_PREFIX): value for name, value in sorted(variables.items()) if value
        }
        for name, value in given.items():
            if name == "location" or name in _WITHOUT_EFFECT or name in _OUTRANKED:
                continue
            if name in own and value == own[name]:
                continue
            reason = f"has {own[name]!r}" if name in own else "signs in by itself"
            raise SettingsError(
                f"the setting azure-native:{name} has no effect on the local stand-in, which "
                f"{reason}; remove it: pulumi config rm azure-native:{name}"
            )
        return cls(location=given.get("location", ""))
