# pyright: reportMissingImports=false
"""The target `aks`: a cluster, or one that exists, and the service on it."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as kubernetes

from infra.aks.cluster import Cluster
from infra.aks.service import KubernetesService
from infra.aks.settings import KubernetesSettings
from infra.place import Place
from infra.registry import Registry
from infra.scoring_service import ScoringService


def deploy(
    wanted: KubernetesSettings, place: Place, registry: Registry, service: ScoringService | None
) -> None:
    """Declare the cluster and, once an image is configured, the service; export where they are."""
    kubeconfig = wanted.kubeconfig
    if kubeconfig is None:
        cluster = Cluster("cluster", place, registry, wanted)
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
    deployed = KubernetesService("service", service, wanted, provider)
    pulumi.export("namespace", deployed.namespace)
    pulumi.export("fqdn", deployed.host)
    pulumi.export("scoring_uri", deployed.scoring_uri)
