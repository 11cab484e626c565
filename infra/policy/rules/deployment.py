"""The pods of a Deployment: what runs is known and bounded, and a roll-out takes nothing away."""

from __future__ import annotations

import re
from collections.abc import Iterator

from infra.azure_facts import AUTOSCALER, DEPLOYMENT
from infra.policy.resource import Resource
from infra.policy.rule import rule
from infra.policy.rules.containers import (
    containers,
    with_plain_secret,
    without_digest,
    without_probes,
)

LEAST_REPLICAS = 2
"""One pod is away whenever its node is upgraded."""

_POD = "spec.template.spec"
_CONTAINERS = f"{_POD}."
_SHARED = ("hostNetwork", "hostPID", "hostIPC")
_QUANTITY = re.compile(r"0*(\.0*)?[a-zA-Z]*")


@rule(DEPLOYMENT)
def pod_image_by_digest(deployment: Resource) -> Iterator[str]:
    """A pod runs images named by digest: nodes may hold different images of one tag."""
    yield from without_digest(deployment, _CONTAINERS)


@rule(DEPLOYMENT)
def pod_resources_limited(deployment: Resource) -> Iterator[str]:
    """Every container asks for cores and memory, and is held to a limit of both."""
    for container in containers(deployment, _CONTAINERS):
        for kind in ("requests", "limits"):
            for name in ("cpu", "memory"):
                value = deployment.at(f"{container}.resources.{kind}.{name}")
                if value is None or _QUANTITY.fullmatch(str(value)):
                    yield f"{container}.resources.{kind}.{name} is not set"


@rule(DEPLOYMENT)
def pod_probes_present(deployment: Resource) -> Iterator[str]:
    """Every container is asked whether it lives and whether it may get requests."""
    yield from without_probes(deployment, _CONTAINERS)


@rule(DEPLOYMENT)
def no_plain_secret_in_pod(deployment: Resource) -> Iterator[str]:
    """An environment variable whose name says secret is read from a Secret."""
    yield from with_plain_secret(deployment, "env", "valueFrom.secretKeyRef", _CONTAINERS)


@rule(DEPLOYMENT)
def roll_out_without_downtime(deployment: Resource) -> Iterator[str]:
    """A roll-out takes no pod away before its successor is ready."""
    strategy = deployment.at("spec.strategy.type") or "RollingUpdate"
    if strategy != "RollingUpdate":
        yield f"spec.strategy.type is {strategy}; all pods would be away at the same time"
    elif deployment.at("spec.strategy.rollingUpdate.maxUnavailable") not in (0, "0", "0%"):
        yield "spec.strategy.rollingUpdate.maxUnavailable is not 0"


@rule(DEPLOYMENT, AUTOSCALER)
def at_least_two_replicas(resource: Resource) -> Iterator[str]:
    """A service has two pods at least: one is away whenever its node is."""
    path = "spec.replicas" if resource.type == DEPLOYMENT else "spec.minReplicas"
    value = resource.at(path)
    # Without a number Kubernetes takes one.
    if not isinstance(value, int | float) or value < LEAST_REPLICAS:
        yield f"{path} is {1 if value is None else value}; allowed: {LEAST_REPLICAS} and more"


@rule(DEPLOYMENT)
def pod_without_privilege(deployment: Resource) -> Iterator[str]:
    """No container has rights over its node: no root, no capability, no way to get them."""
    for name in _SHARED:
        if deployment.at(f"{_POD}.{name}"):
            yield f"{_POD}.{name} is set"
    for container in containers(deployment, _CONTAINERS):
        context = f"{container}.securityContext"
        if deployment.at(f"{context}.privileged"):
            yield f"{context}.privileged is set"
        if deployment.at(f"{context}.allowPrivilegeEscalation") is not False:
            yield f"{context}.allowPrivilegeEscalation is not false"
        user = deployment.at(f"{context}.runAsNonRoot")
        if user is None:
            user = deployment.at(f"{_POD}.securityContext.runAsNonRoot")
        if user is not True:
            yield f"{context}.runAsNonRoot is not true"
        dropped = [
            deployment.at(f"{context}.capabilities.drop[{index}]")
            for index in deployment.count(f"{context}.capabilities.drop")
        ]
        if "ALL" not in dropped:
            yield f"{context}.capabilities.drop has not ALL"


@rule(DEPLOYMENT)
def no_service_account_token(deployment: Resource) -> Iterator[str]:
    """A pod that does not speak to Kubernetes holds no token for it."""
    if deployment.at(f"{_POD}.automountServiceAccountToken") is not False:
        yield f"{_POD}.automountServiceAccountToken is not false"
