"""The Azure ML workspace and the four resources it stands on.

Defaults follow the Azure Verified Modules for each resource type. Every property that opens
something is declared, also where Azure's default is the same: what a PUT leaves out may stay as
somebody set it by hand. Networks are open, as the tutorial's clients come from anywhere; keys and
local users, which its clients do not need, are off.
"""

from __future__ import annotations

import pulumi
from pulumi_azure_native import (
    applicationinsights,
    keyvault,
    machinelearningservices,
    operationalinsights,
    storage,
)

from infra.place import Place


class Workspace(pulumi.ComponentResource):
    """Log Analytics, Application Insights, storage, vault and the workspace itself.

    Attributes:
        name: The workspace's name.
        workspace_id: Its full ARM id.
    """

    name: pulumi.Output[str]
    workspace_id: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        place: Place,
        *,
        tenant_id: str,
        registry_id: pulumi.Input[str],
        log_retention_days: int,
    ) -> None:
        """Declare them.

        Args:
            name: The component's name.
            place: Where they go.
            tenant_id: The tenant whose identities the vault trusts.
            registry_id: The registry; without one Azure ML makes its own, with passwords on.
            log_retention_days: Days that logs are kept.
        """
        super().__init__("sklearn-mnist-svc:infra:Workspace", name)
        child = pulumi.ResourceOptions(parent=self)
        kept = pulumi.ResourceOptions(parent=self, protect=place.protect)
        logs = operationalinsights.Workspace(
            "log-analytics",
            workspace_name=place.names.log_analytics,
            sku=operationalinsights.WorkspaceSkuArgs(name="PerGB2018"),
            retention_in_days=log_retention_days,
            public_network_access_for_ingestion="Enabled",
            public_network_access_for_query="Enabled",
            # Application Insights writes as a service; no agent signs in with the workspace's key.
            features=operationalinsights.WorkspaceFeaturesArgs(
                disable_local_auth=True,
                enable_log_access_using_only_resource_permissions=True,
            ),
            **place.common,
            opts=child,
        )
        insights = applicationinsights.Component(
            "application-insights",
            resource_name_=place.names.application_insights,
            kind="web",
            application_type="web",
            workspace_resource_id=logs.id,
            ingestion_mode="LogAnalytics",
            public_network_access_for_ingestion="Enabled",
            public_network_access_for_query="Enabled",
            # Azure ML hands its jobs the connection string and nothing else.
            disable_local_auth=False,
            **place.common,
            opts=child,
        )
        account = storage.StorageAccount(
            "storage",
            account_name=place.names.storage_account,
            kind="StorageV2",
            sku=storage.SkuArgs(name="Standard_LRS"),
            access_tier=storage.AccessTier.HOT,
            minimum_tls_version="TLS1_2",
            enable_https_traffic_only=True,
            allow_blob_public_access=False,
            allow_cross_tenant_replication=False,
            # The workspace's datastores use identities (system_datastores_auth_mode).
            allow_shared_key_access=False,
            is_local_user_enabled=False,
            is_sftp_enabled=False,
            public_network_access="Enabled",
            network_rule_set=storage.NetworkRuleSetArgs(
                default_action=storage.DefaultAction.ALLOW, bypass="AzureServices"
            ),
            **place.common,
            opts=kept,
        )
        vault = keyvault.Vault(
            "key-vault",
            vault_name=place.names.key_vault,
            properties=keyvault.VaultPropertiesArgs(
                tenant_id=tenant_id,
                sku=keyvault.SkuArgs(family="A", name=keyvault.SkuName.STANDARD),
                enable_rbac_authorization=True,
                enable_soft_delete=True,
                soft_delete_retention_in_days=90,
                enable_purge_protection=True,
                enabled_for_deployment=False,
                enabled_for_disk_encryption=False,
                enabled_for_template_deployment=False,
                public_network_access="Enabled",
                network_acls=keyvault.NetworkRuleSetArgs(
                    default_action="Allow", bypass="AzureServices"
                ),
            ),
            **place.common,
            opts=kept,
        )
        workspace = machinelearningservices.Workspace(
            "workspace",
            workspace_name=place.names.workspace,
            kind="Default",
            sku=machinelearningservices.SkuArgs(
                name="Basic", tier=machinelearningservices.SkuTier.BASIC
            ),
            identity=machinelearningservices.ManagedServiceIdentityArgs(type="SystemAssigned"),
            friendly_name=place.names.workspace,
            storage_account=account.id,
            key_vault=vault.id,
            application_insights=insights.id,
            container_registry=registry_id,
            system_datastores_auth_mode="identity",
            public_network_access="Enabled",
            allow_public_access_when_behind_vnet=False,
            **place.common,
            opts=kept,
        )
        self.name = workspace.name
        self.workspace_id = workspace.id
        self.register_outputs({"name": self.name, "workspace_id": self.workspace_id})
