"""The container registry and the one identity that may pull from it. No passwords anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import authorization, containerregistry, managedidentity

from infra import naming
from infra.azure_facts import ACR_PULL
from infra.naming import Names


@dataclass(frozen=True)
class RegistryArgs:
    """What a registry needs to know.

    Attributes:
        names: The names of its resources.
        resource_group: The name of the group that holds them.
        location: Azure region.
        subscription_id: The subscription of the role definition.
        sku: `Basic`, `Standard` or `Premium`.
        protect: Whether Pulumi refuses to delete the registry and its images.
        tags: Tags of every resource that can have them.
    """

    names: Names
    resource_group: pulumi.Input[str]
    location: str
    subscription_id: str
    sku: str
    protect: bool
    tags: Mapping[str, str]


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

    def __init__(
        self, name: str, args: RegistryArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("sklearn-mnist-svc:infra:Registry", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        registry = containerregistry.Registry(
            "registry",
            registry_name=args.names.registry,
            resource_group_name=args.resource_group,
            location=args.location,
            sku=containerregistry.SkuArgs(name=args.sku),
            admin_user_enabled=False,
            anonymous_pull_enabled=False,
            public_network_access="Enabled",
            network_rule_bypass_options="AzureServices",
            tags=args.tags,
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        identity = managedidentity.UserAssignedIdentity(
            "pull-identity",
            resource_name_=args.names.identity,
            resource_group_name=args.resource_group,
            location=args.location,
            tags=args.tags,
            opts=child,
        )
        # The principal's type is named because a new principal may not have reached Entra yet.
        self.pull_assignment = authorization.RoleAssignment(
            "pull-assignment",
            role_assignment_name=naming.role_assignment(
                args.subscription_id, args.names.registry, args.names.identity, ACR_PULL
            ),
            scope=registry.id,
            role_definition_id=naming.role_definition(args.subscription_id, ACR_PULL),
            principal_id=identity.principal_id,
            principal_type=authorization.PrincipalType.SERVICE_PRINCIPAL,
            opts=child,
        )
        self.registry_id = registry.id
        self.login_server = registry.login_server
        self.identity = identity
        self.identity_id = identity.id
        self.register_outputs({"login_server": self.login_server})
