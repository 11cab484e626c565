"""What Azure will do with a planned change, which is not always what the provider says.

Sources: "Update containers in Azure Container Instances" (what needs a delete; that every update
restarts all containers; that the address may change) and "Deploy a container group with a DNS name
label" (when a host name is kept). None of it could be tried on Azure where this was written.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra import azure_facts
from infra.preview.changes import aci_immutable
from infra.preview.paths import Difference
from infra.preview.plan import Op, Step

_KEPT_SCOPES = frozenset({"TenantReuse", "SubscriptionReuse", "ResourceGroupReuse", "Unsecure"})
"""Scopes under which the same label gives the same host name again."""

_LOST: Mapping[str, str] = {
    azure_facts.REGISTRY: "its images go with it: push the image again before the group pulls",
    azure_facts.STORAGE_ACCOUNT: "its blobs go with it, and its name is free for others at once",
    azure_facts.VAULT: "it stays soft-deleted: its name is blocked until its retention has passed",
    azure_facts.ML_WORKSPACE: "soft-deleted with its models: its name is blocked until purged",
    azure_facts.LOG_ANALYTICS: "its logs can be restored for 14 days",
    azure_facts.RESOURCE_GROUP: "everything in it goes with it, also what Pulumi does not know",
    azure_facts.ROLE_ASSIGNMENT: "the right is missing until the new one works, 60 to 120 s",
    azure_facts.IDENTITY: "a new identity is another principal: its roles have to be given again",
}


_FOR_GOOD: Mapping[str, str] = {
    azure_facts.REGISTRY: "its images",
    azure_facts.STORAGE_ACCOUNT: "its blobs",
    azure_facts.RESOURCE_GROUP: "everything in it",
}
"""What is destroyed with a resource and cannot be recovered."""


class Endpoint(enum.IntEnum):
    """What happens to the scoring endpoint, from bad to worse."""

    UNTOUCHED = 0
    STARTS = 1
    ROLLS = 2
    GAPS = 3
    RESTARTS = 4
    MOVES = 5
    INTERRUPTED = 6
    REMOVED = 7


@dataclass(frozen=True)
class Effect:
    """What Azure will do.

    Attributes:
        op: What happens to the resource; worse than planned where Azure refuses the plan.
        forced_by: The changes that force a replacement.
        endpoint: What it means for the scoring endpoint.
        notes: What a reviewer should know, a sentence each.
        lost: What is destroyed and never comes back, or empty.
    """

    op: Op
    forced_by: tuple[Difference, ...] = ()
    endpoint: Endpoint = Endpoint.UNTOUCHED
    notes: tuple[str, ...] = ()
    lost: str = ""


def effect(step: Step, changes: Sequence[Difference]) -> Effect:
    """What Azure will do with a step of the plan."""
    if step.type == azure_facts.CONTAINER_GROUP:
        return _container_group(step, changes)
    if step.op not in {Op.DELETE, Op.REPLACE}:
        return Effect(step.op)
    forced = tuple(one for one in changes if one.forces)
    note = _LOST.get(step.type)
    return Effect(step.op, forced, notes=(note,) if note else (), lost=_FOR_GOOD.get(step.type, ""))


def _container_group(step: Step, changes: Sequence[Difference]) -> Effect:
    if step.op is Op.CREATE:
        return Effect(step.op, endpoint=Endpoint.STARTS)
    if step.op is Op.DELETE:
        return Effect(step.op, endpoint=Endpoint.REMOVED)
    if step.op is Op.SAME:
        return Effect(step.op)
    refused = tuple(one for one in changes if aci_immutable(one.path))
    if step.op is Op.UPDATE and not refused:
        return Effect(
            step.op,
            endpoint=Endpoint.RESTARTS,
            notes=("all its containers restart; the IP address usually stays", *_name_note(step)),
        )
    forced = tuple(one for one in changes if one.forces)
    # A coarse difference ("containers") forces too much: what Azure refuses is more exact.
    exact = tuple(one for one in forced if aci_immutable(one.path)) or forced or refused
    notes = [
        "down from the deletion until the new group is ready; a new IP address",
        *_name_note(step, replaced=True),
    ]
    if step.op is Op.UPDATE:
        names = ", ".join(sorted({aci_immutable(one.path) for one in refused}))
        notes.append(
            "the provider plans an update in place, which Azure refuses for "
            f"{names}: name it in replace_on_changes, with delete_before_replace"
        )
    return Effect(Op.REPLACE, exact, Endpoint.INTERRUPTED, tuple(notes))


def _name_note(step: Step, *, replaced: bool = False) -> tuple[str, ...]:
    before, after = _label(step.old), _label(step.new)
    if before is None and after is None:
        return (
            ("it has no host name: clients have to learn the new IP address",) if replaced else ()
        )
    if before != after:
        return ("the host name (FQDN) changes: clients have to learn the new one",)
    if not replaced:
        return ()
    if _address(step.new).get("autoGeneratedDomainNameLabelScope", "Unsecure") in _KEPT_SCOPES:
        return ("the host name (FQDN) is kept",)
    return ("the host name (FQDN) is not kept: its label's scope is Noreuse",)


def _label(state: Any) -> tuple[Any, ...] | None:
    """What decides the host name."""
    address = _address(state)
    if address.get("dnsNameLabel") is None:
        return None
    inputs = state.inputs
    scope = address.get("autoGeneratedDomainNameLabelScope", "Unsecure")
    group = inputs.get("resourceGroupName") if scope == "ResourceGroupReuse" else None
    return (address["dnsNameLabel"], scope, inputs.get("location"), group)


def _address(state: Any) -> Mapping[str, Any]:
    address = state.inputs.get("ipAddress") if state else None
    return address if isinstance(address, Mapping) else {}
