"""The pods as the cluster has them: where they answer, and whether they run.

The cluster is asked by Pulumi's provider alone, which signs in as the kubeconfig says: what a
preview with a refresh read is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from infra import azure_facts
from infra.drift.errors import DriftError
from infra.drift.scoring_group import ActualGroup
from infra.drift.stack import Resource
from infra.preview import events
from infra.preview.command import Preview
from infra.preview.plan import Op


def read(preview: Callable[[], Preview], deployment: Resource) -> ActualGroup | None:
    """The Deployment with its Service; None if it is not there.

    Raises:
        DriftError: The cluster was not reached, or refused.
    """
    told = preview()
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
    return of(found.new.outputs, services[0] if services else {})


def of(deployment: Mapping[str, Any], service: Mapping[str, Any]) -> ActualGroup:
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
    return ActualGroup(
        str(given.get("hostname") or given.get("ip") or ""),
        "Running" if ready else f"0 of {wanted} pods are ready",
        [],
        "no pod is ready",
        "; ".join(stuck),
    )
