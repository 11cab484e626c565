"""What answers, as Azure or the cluster has it: where, whether it runs, what is in it.

A cluster is asked by Pulumi's provider alone, which signs in as the kubeconfig says: what a preview
with a refresh read is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from infra import azure_facts
from infra.arm.client import Arm
from infra.drift.errors import DriftError
from infra.drift.stack import Resource, Stack
from infra.preview import events
from infra.preview.command import Preview
from infra.preview.plan import Op

API_VERSION = "2023-05-01"
"""Of groups whose state does not tell one."""


@dataclass(frozen=True)
class Actual:
    """A container group, or a Deployment, that exists.

    Attributes:
        host: Its host name, else its IP address, else empty.
        state: The group's state, such as `Running`; empty before its containers are placed.
        containers: Its containers in the provider's shape, without what only describes their run.
        idle: Why it does not answer where its state is another.
        stuck: Why a new version of it does not come to serve, or empty.
    """

    host: str
    state: str
    containers: list[dict[str, Any]] = field(repr=False)
    idle: str = "its container group does not run"
    stuck: str = ""


def read(arm: Arm, stack: Stack, preview: Callable[[], Preview]) -> Actual | None:
    """What the state knows of it, as it is; None if that is nothing, or gone.

    Raises:
        ArmError: Azure was not reached, or refused.
        DriftError: The cluster was not reached, or refused.
        PreviewError: Nothing could be previewed.
    """
    if stack.deployment:
        return pods(preview(), stack.deployment)
    group = stack.scoring_group
    body = arm.get(group.id, group.api_version or API_VERSION) if group else None
    return None if body is None else of_group(body)


def of_group(body: Mapping[str, Any]) -> Actual:
    """The container group in an answer of Azure's."""
    properties = body.get("properties") or {}
    address = properties.get("ipAddress") or {}
    return Actual(
        str(address.get("fqdn") or address.get("ip") or ""),
        str((properties.get("instanceView") or {}).get("state") or ""),
        [_container(each) for each in properties.get("containers") or []],
    )


def _container(body: Mapping[str, Any]) -> dict[str, Any]:
    """The provider writes the members of `properties` beside the name."""
    inner = dict(body.get("properties") or {})
    inner.pop("instanceView", None)
    return {"name": body.get("name"), **inner}


def pods(told: Preview, deployment: Resource) -> Actual | None:
    """The Deployment with its Service; None if it is not there.

    Raises:
        DriftError: The cluster was not reached, or refused.
    """
    steps = events.refreshed(told.events)
    found = next((step for step in steps if step.urn == deployment.urn), None)
    if found is None:
        # The provider goes on with how to forget what is there, which a stopped cluster is not for.
        said = (told.plan().reason or "it said nothing").partition(". If the cluster was deleted")
        why = said[0].removeprefix("Preview failed: ")
        raise DriftError(
            f"the cluster was not reached: {why}; is it stopped, or closed to this machine?"
        )
    if found.op is Op.DELETE or found.new is None:
        return None
    services = [one.new.outputs for one in steps if one.type == azure_facts.SERVICE and one.new]
    return of_pods(found.new.outputs, services[0] if services else {})


def of_pods(deployment: Mapping[str, Any], service: Mapping[str, Any]) -> Actual:
    """Both as the API server answers them."""
    status = deployment.get("status") or {}
    ready = int(status.get("readyReplicas") or 0)
    wanted = int((deployment.get("spec") or {}).get("replicas") or 1)
    stuck = [
        str(one.get("message") or one.get("reason"))
        for one in status.get("conditions") or ()
        if one.get("type") == "Progressing" and one.get("status") == "False"
    ]
    balancer = (service.get("status") or {}).get("loadBalancer") or {}
    given = (balancer.get("ingress") or [{}])[0]
    return Actual(
        str(given.get("hostname") or given.get("ip") or ""),
        "Running" if ready else f"0 of {wanted} pods are ready",
        [],
        "no pod is ready",
        "; ".join(stuck),
    )
