# pyright: reportMissingImports=false
"""The target `aks`: a cluster, or one that exists, and the service on it."""

from __future__ import annotations

import pulumi
import pulumi_kubernetes as kubernetes
from pulumi_azure_native import resources

from infra.cluster import Cluster, ClusterArgs
from infra.image_reference import ImageReference
from infra.kubernetes_service import KubernetesService, KubernetesServiceArgs
from infra.naming import Names
from infra.registry import Registry
from infra.setting_reader import SettingError, foreign_image
from infra.settings import Settings


def deploy(
    settings: Settings,
    names: Names,
    group: resources.ResourceGroup,
    registry: Registry,
    subscription_id: str,
) -> None:
    """Declare the cluster and, once an image is configured, the service; export what is known."""
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
    if not (settings.image and settings.model_sha256):
        return
    image = settings.image
    registry.login_server.apply(lambda server: _refuse_foreign(image, server))
    service = KubernetesService(
        "service",
        KubernetesServiceArgs(
            image=str(settings.image),
            model_sha256=settings.model_sha256,
            model_version=settings.model_version,
            cpu=settings.cpu,
            memory_gb=settings.memory_gb,
            port=settings.port,
            dns_label=settings.dns_label or names.dns_label,
            description=settings.description,
            scoring_key=settings.scoring_key,
            scoring_key_secondary=settings.scoring_key_secondary,
            min_replicas=wanted.min_replicas,
            max_replicas=wanted.max_replicas,
            cpu_target=wanted.cpu_target,
            rollout_seconds=wanted.rollout_seconds,
            hostname=wanted.hostname,
            gateway_class=wanted.gateway_class,
            tags=settings.tags,
        ),
        provider,
    )
    pulumi.export("namespace", service.namespace)
    pulumi.export("fqdn", service.host)
    pulumi.export("scoring_uri", service.scoring_uri)
    pulumi.export("image", str(settings.image))
    pulumi.export("model_sha256", settings.model_sha256)


def _refuse_foreign(image: ImageReference, server: str) -> None:
    if not image.in_registry(server):
        raise SettingError([foreign_image("image", image, server)])
