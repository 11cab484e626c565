"""The Kubernetes cluster on AKS, with the identities that it needs and no password anywhere.

A cluster that exists is used by its kubeconfig instead, and nothing of this is declared.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

import pulumi
from pulumi_azure_native import authorization, containerservice, managedidentity

from infra import naming
from infra.aks.settings import KubernetesSettings
from infra.azure_facts import IDENTITY_OPERATOR
from infra.place import Place
from infra.registry import Registry

ZONES: tuple[str, ...] = ("1", "2", "3")

_POD_ADDRESSES = "10.244.0.0/16"
_SERVICE_ADDRESSES = "10.97.0.0/16"
_NAME_SERVER = "10.97.0.10"
_SYSTEM_NODES = 1
_PODS_A_NODE = 110


class Cluster(pulumi.ComponentResource):
    """AKS: Standard tier, zones, pools that scale, Entra for people, identities for machines.

    Attributes:
        name: The cluster's name.
        kubeconfig: A secret.
    """

    name: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        place: Place,
        registry: Registry,
        wanted: KubernetesSettings,
    ) -> None:
        super().__init__("sklearn-mnist-svc:infra:Cluster", name)
        child = pulumi.ResourceOptions(parent=self)
        identity = managedidentity.UserAssignedIdentity(
            "cluster-identity",
            resource_name_=place.names.cluster_identity,
            **place.common,
            opts=child,
        )
        # AKS hands the kubelet's identity to the nodes, which takes a right over it.
        operator = authorization.RoleAssignment(
            "kubelet-assignment",
            role_assignment_name=naming.role_assignment(
                place.subscription_id,
                place.names.identity,
                place.names.cluster_identity,
                IDENTITY_OPERATOR,
            ),
            scope=registry.identity.id,
            role_definition_id=naming.role_definition(place.subscription_id, IDENTITY_OPERATOR),
            principal_id=identity.principal_id,
            principal_type=authorization.PrincipalType.SERVICE_PRINCIPAL,
            opts=child,
        )
        cluster = containerservice.ManagedCluster(
            "cluster",
            resource_name_=place.names.cluster,
            sku=containerservice.ManagedClusterSKUArgs(name="Base", tier="Standard"),
            kubernetes_version=wanted.kubernetes_version,
            dns_prefix=place.names.cluster,
            identity=containerservice.ManagedClusterIdentityArgs(
                type=containerservice.ResourceIdentityType.USER_ASSIGNED,
                user_assigned_identities=[identity.id],
            ),
            identity_profile={
                "kubeletidentity": containerservice.UserAssignedIdentityArgs(
                    resource_id=registry.identity.id,
                    client_id=registry.identity.client_id,
                    object_id=registry.identity.principal_id,
                )
            },
            agent_pool_profiles=_pools(wanted),
            network_profile=containerservice.ContainerServiceNetworkProfileArgs(
                network_plugin="azure",
                network_plugin_mode="overlay",
                network_dataplane="cilium",
                network_policy="cilium",
                load_balancer_sku="standard",
                pod_cidr=_POD_ADDRESSES,
                service_cidr=_SERVICE_ADDRESSES,
                dns_service_ip=_NAME_SERVER,
            ),
            aad_profile=containerservice.ManagedClusterAADProfileArgs(
                managed=True, enable_azure_rbac=True
            ),
            enable_rbac=True,
            disable_local_accounts=True,
            oidc_issuer_profile=containerservice.ManagedClusterOIDCIssuerProfileArgs(enabled=True),
            security_profile=containerservice.ManagedClusterSecurityProfileArgs(
                workload_identity=(
                    containerservice.ManagedClusterSecurityProfileWorkloadIdentityArgs(enabled=True)
                )
            ),
            auto_upgrade_profile=containerservice.ManagedClusterAutoUpgradeProfileArgs(
                upgrade_channel="patch", node_os_upgrade_channel="NodeImage"
            ),
            **place.common,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[operator, registry.pull_assignment],
                # The autoscaler's business.
                ignore_changes=["agentPoolProfiles[*].count"],
            ),
        )
        # By the name that is known, so that a changed tag leaves the kubeconfig known in previews.
        answer = containerservice.list_managed_cluster_user_credentials_output(
            resource_group_name=place.resource_group,
            resource_name=cluster.name,
        )
        self.name = cluster.name
        self.kubeconfig = pulumi.Output.secret(
            answer.kubeconfigs.apply(lambda each: _kubeconfig([one.value for one in each or []]))
        )
        self.register_outputs({"name": self.name})


def _pools(wanted: KubernetesSettings) -> list[containerservice.ManagedClusterAgentPoolProfileArgs]:
    """A pool for Kubernetes' own pods, and one for the service's."""
    common = {
        "type": "VirtualMachineScaleSets",
        "os_type": "Linux",
        "os_sku": "AzureLinux",
        "vm_size": wanted.node_size,
        "enable_auto_scaling": True,
        "availability_zones": list(ZONES),
        "max_pods": _PODS_A_NODE,
    }
    return [
        containerservice.ManagedClusterAgentPoolProfileArgs(
            name="system",
            mode="System",
            count=_SYSTEM_NODES,
            min_count=_SYSTEM_NODES,
            max_count=3,
            node_taints=["CriticalAddonsOnly=true:NoSchedule"],
            **common,
        ),
        containerservice.ManagedClusterAgentPoolProfileArgs(
            name="scoring",
            mode="User",
            count=wanted.min_nodes,
            min_count=wanted.min_nodes,
            max_count=wanted.max_nodes,
            **common,
        ),
    ]


def _kubeconfig(values: Sequence[str]) -> str:
    """The first kubeconfig of an answer.

    Raises:
        pulumi.RunError: There is none.
    """
    if not values:
        raise pulumi.RunError(
            "Azure gave no kubeconfig for the cluster; who deploys needs the role "
            "'Azure Kubernetes Service Cluster User Role' on it"
        )
    return base64.b64decode(values[0]).decode()
