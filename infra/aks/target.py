# pyright: reportMissingImports=false
"""The target `aks`: a cluster, or one that exists, and the service on it."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_azure_native import resources

from infra.aks.cluster import Cluster, ClusterArgs
from infra.aks.service import KubernetesService, KubernetesServiceArgs
from infra.naming import Names
from infra.registry import Registry
from infra.scoring_service import ScoringService
from infra.settings import Settings


def deploy(
    settings: Settings,
    names: Names,
    group: resources.ResourceGroup,
    registry: Registry,
    subscription_id: str,
    service: ScoringService | None,
) -> None:
    """Declare the cluster and, once an image is configured, the service; export where they are."""
    wanted = settings.kubernetes
    kubeconfig = wanted.kubeconfig
    if kubeconfig is None:
        cluster = Cluster(
            "cluster",
            ClusterArgs(
                names=names,
                resource_group=group.name,
                location=settings.location,
                subscription_id=subscription_id,
                kubelet=registry.identity,
                pull_assignment=registry.pull_assignment,
                version=wanted.kubernetes_version,
                node_size=wanted.node_size,
                min_nodes=wanted.min_nodes,
                max_nodes=wanted.max_nodes,
                tags=settings.tags,
            ),
        )
        kubeconfig = cluster.kubeconfig
        pulumi.export("cluster", cluster.name)
    provider = kubernetes.Provider(
        "kubernetes",
        kubeconfig=kubeconfig,
        enable_server_side_apply=True,
        # A cluster that is out of reach is an error of the update, and not an empty state.
        skip_update_unreachable=False,
    )
    if service is None:
        return
    service.pulled_from(registry.login_server)
    deployed = KubernetesService(
        "service",
        KubernetesServiceArgs(
            service=service,
            min_replicas=wanted.min_replicas,
            max_replicas=wanted.max_replicas,
            cpu_target=wanted.cpu_target,
            rollout_seconds=wanted.rollout_seconds,
            hostname=wanted.hostname,
            gateway_class=wanted.gateway_class,
        ),
        provider,
    )
    pulumi.export("namespace", deployed.namespace)
    pulumi.export("fqdn", deployed.host)
    pulumi.export("scoring_uri", deployed.scoring_uri)
