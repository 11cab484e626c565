"""What a stack with the target `aks` may configure beside what every stack may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import yaml

from infra.azure_facts import NODE_SIZE, cores_of
from infra.configuration.reader import Reader

KEYS: Mapping[str, str] = {
    "minReplicas": "2 to 1000 pods",
    "maxReplicas": "2 to 1000 pods, minReplicas at least",
    "cpuTarget": "10 to 90 percent",
    "rolloutSeconds": "30 to 3600 seconds",
    "nodeSize": "a size such as Standard_D4s_v5, with more cores than a pod's",
    "minNodes": "2 to 100 nodes",
    "maxNodes": "2 to 100 nodes, minNodes at least",
    "kubernetesVersion": "a version such as 1.36 or 1.36.3",
    "hostname": "a host name with a dot, in lower case",
    "gatewayClass": "1 to 63 lower-case letters, digits and hyphens",
    "kubeconfig": "a secret kubeconfig with a current context and an https server",
}
"""Every key of the target with what is allowed."""

OF_A_NEW_CLUSTER = ("nodeSize", "minNodes", "maxNodes", "kubernetesVersion")
"""What means nothing for a cluster that exists."""

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"


@dataclass(frozen=True)
class KubernetesSettings:
    """How the service runs on Kubernetes, and on which cluster.

    Attributes:
        min_replicas: Pods at least.
        max_replicas: Pods at most.
        cpu_target: Percent of a pod's cores above which pods are added.
        rollout_seconds: How long an update waits for new pods, and for nodes that they may need.
        node_size: The size of the nodes.
        min_nodes: Nodes at least.
        max_nodes: Nodes at most.
        kubernetes_version: Of the cluster. By default the region's.
        hostname: Of a route through a gateway. By default a load balancer is made.
        gateway_class: The class of that gateway.
        kubeconfig: Of a cluster that exists. By default one is made.
    """

    min_replicas: int = 2
    max_replicas: int = 5
    cpu_target: int = 60
    rollout_seconds: int = 600
    node_size: str = "Standard_D4s_v5"
    min_nodes: int = 2
    max_nodes: int = 5
    kubernetes_version: str | None = None
    hostname: str | None = None
    gateway_class: str | None = None
    kubeconfig: pulumi.Output[str] | None = None


def refuse(read: Reader) -> None:
    """Say of every key that is set that the target has no use for it."""
    for key in KEYS:
        if read.is_set(key):
            read.useless(key, "is of the target aks, and the target is aci")


def load(read: Reader, cpu: float) -> KubernetesSettings:
    """Read and check the keys of the target; what is wrong is kept by the reader.

    Args:
        read: The stack's reader.
        cpu: The cores of a pod.
    """
    default = KubernetesSettings
    settings = KubernetesSettings(
        min_replicas=read.number("minReplicas", int, 2, 1000) or default.min_replicas,
        max_replicas=read.number("maxReplicas", int, 2, 1000)
        or max(default.max_replicas, read.valid_number("minReplicas") or 0),
        cpu_target=read.number("cpuTarget", int, 10, 90) or default.cpu_target,
        rollout_seconds=read.number("rolloutSeconds", int, 30, 3600) or default.rollout_seconds,
        node_size=read.text("nodeSize", NODE_SIZE.pattern) or default.node_size,
        min_nodes=read.number("minNodes", int, 2, 100) or default.min_nodes,
        max_nodes=read.number("maxNodes", int, 2, 100)
        or max(default.max_nodes, read.valid_number("minNodes") or 0),
        kubernetes_version=read.text("kubernetesVersion", r"1\.\d{2}(\.\d{1,2})?"),
        hostname=read.text("hostname", rf"(?=.{{4,253}}$){_LABEL}(?:\.{_LABEL})+"),
        gateway_class=read.text("gatewayClass", _LABEL),
        kubeconfig=read.secret(
            "kubeconfig", _is_kubeconfig, "cat FILE | pulumi config set --secret kubeconfig"
        ),
    )
    _check(read, settings, cpu)
    return settings


def _check(read: Reader, settings: KubernetesSettings, cpu: float) -> None:
    """What fits alone, and not together."""
    for least, most in (("minReplicas", "maxReplicas"), ("minNodes", "maxNodes")):
        low, high = read.valid_number(least), read.valid_number(most)
        low = low or (2 if high is not None else None)
        if low is not None and high is not None and low > high:
            read.wrong(most, str(high), f"{low} and more, which is {least}")
    if not read.is_set("kubeconfig") and "nodeSize" not in read.broken:
        cores = cores_of(settings.node_size)
        # The node keeps a part of its cores for itself.
        if cores <= cpu:
            read.wrong(
                "nodeSize",
                settings.node_size,
                f"a size of more than {cpu:g} cores, for a pod asks for {cpu:g} and the node "
                "needs some itself",
            )
    if read.is_set("hostname") and not read.is_set("gatewayClass"):
        read.wrong("gatewayClass", None, f"{KEYS['gatewayClass']}; a hostname needs a gateway")
    if read.is_set("gatewayClass") and not read.is_set("hostname"):
        read.useless("gatewayClass", "is set without a hostname, which a gateway needs")
    if read.is_set("hostname") and read.is_set("dnsLabel"):
        read.useless("dnsLabel", "is of a load balancer, and a hostname makes none")
    if read.is_set("kubeconfig"):
        for key in OF_A_NEW_CLUSTER:
            if read.is_set(key):
                read.useless(key, "is of a cluster that is made, and kubeconfig names another")


def chosen(kubeconfig: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The cluster and the user of the current context; no user is an empty one.

    Raises:
        yaml.YAMLError, ValueError, KeyError, TypeError: It is no kubeconfig.
    """
    content = yaml.safe_load(kubeconfig)
    current = content["current-context"]
    (context,) = [each["context"] for each in content["contexts"] if each["name"] == current]
    (cluster,) = [
        each["cluster"] for each in content["clusters"] if each["name"] == context["cluster"]
    ]
    users = {each["name"]: each.get("user") for each in content.get("users") or []}
    return cluster, users.get(context.get("user")) or {}


def _is_kubeconfig(text: str) -> bool:
    try:
        cluster, _ = chosen(text)
        return str(cluster["server"]).startswith("https://")
    except (yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError):
        return False
