"""The Azure ML workspace and the four resources it stands on.

Defaults follow the Azure Verified Modules for each resource type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import (
    applicationinsights,
    keyvault,
    machinelearningservices,
    operationalinsights,
    storage,
)

from infra.naming import Names


@dataclass(frozen=True)
class WorkspaceArgs:
    """What a workspace needs to know.

    Attributes:
        names: The names of its resources.
        resource_group: The name of the group that holds them.
        location: Azure region.
        tenant_id: The tenant whose identities the vault trusts.
        registry_id: The container registry; without one Azure ML makes its own, with passwords on.
        log_retention_days: Days that logs are kept.
        tags: Tags of every resource.
    """

    names: Names
    resource_group: pulumi.Input[str]
    location: str
    tenant_id: str
    registry_id: pulumi.Input[str]
    log_retention_days: int
    tags: Mapping[str, str]


class Workspace(pulumi.ComponentResource):
    """Log Analytics, Application Insights, storage, vault and the workspace itself.

    Attributes:
        name: The workspace's name.
        workspace_id: Its full ARM id.
        log_analytics_id: The full ARM id of the Log Analytics workspace.
    """

    name: pulumi.Output[str]
    workspace_id: pulumi.Output[str]
    log_analytics_id: pulumi.Output[str]

    def __init__(
        self, name: str, args: WorkspaceArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("sklearn-mnist-svc:infra:Workspace", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        logs = operationalinsights.Workspace(
            "log-analytics",
            workspace_name=args.names.log_analytics,
            resource_group_name=args.resource_group,
            location=args.location,
            sku=operationalinsights.WorkspaceSkuArgs(name="PerGB2018"),
            retention_in_days=args.log_retention_days,
            tags=args.tags,
            opts=child,
        )
        insights = applicationinsights.Component(
            "application-insights",
            resource_name_=args.names.application_insights,
            resource_group_name=args.resource_group,
            location=args.location,
            kind="web",
            application_type="web",
            workspace_resource_id=logs.id,
            ingestion_mode="LogAnalytics",
            tags=args.tags,
            opts=child,
        )
        account = storage.StorageAccount(
            "storage",
            account_name=args.names.storage_account,
            resource_group_name=args.resource_group,
            location=args.location,
            kind="StorageV2",
            sku=storage.SkuArgs(name="Standard_LRS"),
            access_tier=storage.AccessTier.HOT,
            minimum_tls_version="TLS1_2",
            enable_https_traffic_only=True,
            allow_blob_public_access=False,
            allow_cross_tenant_replication=False,
            tags=args.tags,
            opts=child,
        )
        vault = keyvault.Vault(
            "key-vault",
            vault_name=args.names.key_vault,
            resource_group_name=args.resource_group,
            location=args.location,
            properties=keyvault.VaultPropertiesArgs(
                tenant_id=args.tenant_id,
                sku=keyvault.SkuArgs(family="A", name=keyvault.SkuName.STANDARD),
                enable_rbac_authorization=True,
                enable_soft_delete=True,
                soft_delete_retention_in_days=90,
                enable_purge_protection=True,
            ),
            tags=args.tags,
            opts=child,
        )
        workspace = machinelearningservices.Workspace(
            "workspace",
            workspace_name=args.names.workspace,
            resource_group_name=args.resource_group,
            location=args.location,
            kind="Default",
            sku=machinelearningservices.SkuArgs(
                name="Basic", tier=machinelearningservices.SkuTier.BASIC
            ),
            identity=machinelearningservices.ManagedServiceIdentityArgs(type="SystemAssigned"),
            friendly_name=args.names.workspace,
            storage_account=account.id,
            key_vault=vault.id,
            application_insights=insights.id,
            container_registry=args.registry_id,
            system_datastores_auth_mode="identity",
            public_network_access="Enabled",
            tags=args.tags,
            opts=child,
        )
        self.name = workspace.name
        self.workspace_id = workspace.id
        self.log_analytics_id = logs.id
        self.register_outputs({"name": self.name, "workspace_id": self.workspace_id})
