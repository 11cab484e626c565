"""Microsoft.ManagedIdentity and Microsoft.Authorization: who may do what."""

from __future__ import annotations

from local_azure.types.resource_type import Body, NameRule, ResourceType, stable_guid
from local_azure.types.schema import GUID, Overlay

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
    api_versions=("2023-01-31",),
    overlay=Overlay(
        read_only=("properties.tenantId", "properties.principalId", "properties.clientId")
    ),
    name_input="resourceName",
    name_rule=NameRule(
        r"[A-Za-z0-9][-_A-Za-z0-9]{2,127}",
        "3 to 128 letters, digits, hyphens and underscores, a letter or digit first",
        provider=False,
    ),
    left_out="default",
    long_running=False,
    outputs=_identity_outputs,
)

ROLE_ASSIGNMENT = ResourceType(
    type="Microsoft.Authorization/roleAssignments",
    token="azure-native:authorization:RoleAssignment",  # noqa: S106 - a type's name
    api_versions=("2022-04-01", "2015-07-01"),
    overlay=Overlay(
        read_only=("properties.scope",),
        limits={"properties.principalId": {"pattern": GUID}},
        defaults={"properties.principalType": "User"},
    ),
    name_input="roleAssignmentName",
    scope_input="scope",
    guid_name=True,
    new_on=("principalId",),
    immutable=("properties.principalId", "properties.roleDefinitionId"),
    left_out="default",
    long_running=False,
    missing="RoleAssignmentNotFound",
    outputs=_assignment_outputs,
)
FEDERATED_CREDENTIAL = ResourceType(
    type="Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
    token="azure-native:managedidentity:FederatedIdentityCredential",  # noqa: S106 - a type's name
    api_versions=("2023-01-31",),
    overlay=Overlay(),
    name_input="federatedIdentityCredentialResourceName",
    parent_inputs=("resourceName",),
    name_rule=NameRule(
        r"[A-Za-z0-9][-_A-Za-z0-9]{2,119}",
        "3 to 120 letters, digits, hyphens and underscores, a letter or digit first",
        provider=False,
    ),
    new_on=(),
    left_out="default",
    long_running=False,
)
TYPES = (USER_ASSIGNED_IDENTITY, ROLE_ASSIGNMENT, FEDERATED_CREDENTIAL)
