"""Which identities may pull from a registry: Azure's role assignments, inherited from above.

Source: "Azure built-in roles", the data and control actions of Microsoft.ContainerRegistry.
"""

from __future__ import annotations

from local_azure.arm.service import Lookup

ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"

ACR_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
PULLING_ROLES = frozenset(
    {
        ACR_PULL,
        "8311e382-0749-4cb8-b61a-304f252e45ec",  # AcrPush
        "acdd72a7-3385-48ef-bd42-f606fba81ae7",  # Reader
        "b24988ac-6180-42a0-ab88-20f7382dd24c",  # Contributor
        "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",  # Owner
    }
)
"""Built-in roles whose actions include `Microsoft.ContainerRegistry/registries/pull/read`."""


def may_pull(
    principal_id: str, registry_id: str, lookup: Lookup, *, after_seconds: float = 0
) -> bool:
    """Whether a role assignment on the registry, or on what it lives in, allows the pull.

    Args:
        principal_id: Who wants to pull.
        registry_id: From where.
        lookup: The role assignments.
        after_seconds: How old an assignment must be to be known to the registry.
    """
    below = registry_id.lower() + "/"
    for assignment in lookup.list(ASSIGNMENTS):
        properties = assignment.body.get("properties", {})
        scope = str(properties.get("scope", "")).lower().rstrip("/") + "/"
        role = str(properties.get("roleDefinitionId", "")).lower().rsplit("/", 1)[-1]
        principal = str(properties.get("principalId", "")).lower()
        right = principal == principal_id.lower() and role in PULLING_ROLES
        if right and below.startswith(scope) and lookup.age(assignment.id) >= after_seconds:
            return True
    return False
