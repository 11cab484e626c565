"""The container registry and the one identity that may pull from it. No passwords anywhere."""

from __future__ import annotations

import pulumi
from pulumi_azure_native import authorization, containerregistry, managedidentity

from infra import naming
from infra.azure_facts import ACR_PULL
from infra.place import Place


class Registry(pulumi.ComponentResource):
    """A registry without an admin account, a user-assigned identity and its right to pull.

    Attributes:
        registry_id: The registry's full ARM id.
        login_server: The host that images are pulled from.
        identity: Who may pull.
        identity_id: The full ARM id of the identity that may pull.
        pull_assignment: What a container group has to wait for.
    """

    registry_id: pulumi.Output[str]
    login_server: pulumi.Output[str]
    identity: managedidentity.UserAssignedIdentity
    identity_id: pulumi.Output[str]
    pull_assignment: authorization.RoleAssignment

    def __init__(self, name: str, place: Place, sku: str) -> None:
        super().__init__("sklearn-mnist-svc:infra:Registry", name)
        child = pulumi.ResourceOptions(parent=self)
        registry = containerregistry.Registry(
            "registry",
            registry_name=place.names.registry,
            sku=containerregistry.SkuArgs(name=sku),
            admin_user_enabled=False,
            anonymous_pull_enabled=False,
            public_network_access="Enabled",
            network_rule_bypass_options="AzureServices",
            **place.common,
            opts=pulumi.ResourceOptions(parent=self, protect=place.protect),
        )
        identity = managedidentity.UserAssignedIdentity(
            "pull-identity",
            resource_name_=place.names.identity,
            **place.common,
            opts=child,
        )
        # The principal's type is named because a new principal may not have reached Entra yet.
        self.pull_assignment = authorization.RoleAssignment(
            "pull-assignment",
            role_assignment_name=naming.role_assignment(
                place.subscription_id, place.names.registry, place.names.identity, ACR_PULL
            ),
            scope=registry.id,
            role_definition_id=naming.role_definition(place.subscription_id, ACR_PULL),
            principal_id=identity.principal_id,
            principal_type=authorization.PrincipalType.SERVICE_PRINCIPAL,
            opts=child,
        )
        self.registry_id = registry.id
        self.login_server = registry.login_server
        self.identity = identity
        self.identity_id = identity.id
        self.register_outputs({"login_server": self.login_server})
