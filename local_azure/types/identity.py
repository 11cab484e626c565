"""Microsoft.ManagedIdentity and Microsoft.Authorization: who may do what."""

from __future__ import annotations

from local_azure.types.resource_type import Body, ResourceType, stable_guid
from local_azure.types.shape import Shape, guid, read_only, required, tags, text

TENANT = "00000000-0000-0000-0000-0000000adf50"


def _identity_outputs(resource_id: str, _body: Body) -> Body:
    return {
        "properties": {
            "tenantId": TENANT,
            "principalId": stable_guid(resource_id, "principal"),
            "clientId": stable_guid(resource_id, "client"),
        }
    }


def _assignment_outputs(resource_id: str, _body: Body) -> Body:
    scope = resource_id[: resource_id.lower().rindex("/providers/microsoft.authorization/")]
    return {"properties": {"scope": scope}}


USER_ASSIGNED_IDENTITY = ResourceType(
    type="Microsoft.ManagedIdentity/userAssignedIdentities",
    token="azure-native:managedidentity:UserAssignedIdentity",  # noqa: S106 - a type's name
    api_versions=("2023-01-31", "2024-11-30"),
    shape=Shape(
        top={"location": required(text()), "tags": tags()},
        properties={
            "tenantId": read_only(text()),
            "principalId": read_only(text()),
            "clientId": read_only(text()),
        },
    ),
    name_input="resourceName",
    long_running=False,
    outputs=_identity_outputs,
)

ROLE_ASSIGNMENT = ResourceType(
    type="Microsoft.Authorization/roleAssignments",
    token="azure-native:authorization:RoleAssignment",  # noqa: S106 - a type's name
    api_versions=("2022-04-01",),
    shape=Shape(
        top={},
        properties={
            "scope": read_only(text()),
            "principalId": required(guid()),
            "roleDefinitionId": required(text()),
            "principalType": text(
                "User", "Group", "ServicePrincipal", "ForeignGroup", "Device", default="User"
            ),
            "condition": text(),
            "conditionVersion": text(),
            "description": text(),
            "delegatedManagedIdentityResourceId": text(),
        },
    ),
    name_input="roleAssignmentName",
    scope_input="scope",
    guid_name=True,
    new_on=("principalId",),
    immutable=("properties.principalId", "properties.roleDefinitionId"),
    long_running=False,
    outputs=_assignment_outputs,
)
TYPES = (USER_ASSIGNED_IDENTITY, ROLE_ASSIGNMENT)
