"""What the ARM resource says about a registry, as far as its clients notice."""

from __future__ import annotations

from dataclasses import dataclass

from local_azure.arm.service import Resource


@dataclass(frozen=True)
class Settings:
    """A registry's settings.

    Attributes:
        name: The resource's name, and the admin user's.
        admin: Whether the admin user may log in with a password.
        anonymous_pull: Whether anybody may pull.
        arm_tokens: Whether an Entra token for ARM is good enough for a login.
        reachable: Whether clients outside a private network are served.
    """

    name: str
    admin: bool
    anonymous_pull: bool
    arm_tokens: bool
    reachable: bool

    @classmethod
    def of(cls, resource: Resource) -> Settings:
        """Read a complete ARM body."""
        properties = resource.body.get("properties", {})
        policies = properties.get("policies") or {}
        arm_policy = policies.get("azureADAuthenticationAsArmPolicy") or {}
        rules = properties.get("networkRuleSet") or {}
        return cls(
            name=resource.name,
            admin=bool(properties.get("adminUserEnabled")),
            anonymous_pull=bool(properties.get("anonymousPullEnabled")),
            arm_tokens=arm_policy.get("status", "enabled") == "enabled",
            reachable=properties.get("publicNetworkAccess", "Enabled") == "Enabled"
            and (rules.get("defaultAction", "Allow") == "Allow" or _listed(rules)),
        )


def _listed(rules: dict[str, list[dict[str, str]]]) -> bool:
    """Whether the one address that clients of the stand-in have is allowed by a rule."""
    return any(rule.get("value", "").startswith("127.") for rule in rules.get("ipRules") or [])
