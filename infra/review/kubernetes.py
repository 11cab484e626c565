"""What Kubernetes and AKS will do with a planned change: which roll-out is noticed, and why.

Sources: "Deployments" (rolling update, selector), "Specifying a Disruption Budget for your
Application", "Secrets" (immutable ones), "Resize node pools in Azure Kubernetes Service" and
"Upgrade options for AKS clusters" (no older version, one minor version at a time).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from infra import azure_facts
from infra.policy.rules.deployment import LEAST_REPLICAS
from infra.preview import paths
from infra.preview.paths import Difference
from infra.preview.plan import Op, State, Step
from infra.preview.untold import UNKNOWN
from infra.review.azure import Effect, Endpoint
from infra.review.obstacles import Obstacle

_DNS_LABEL = ("metadata", "annotations", "service.beta.kubernetes.io/azure-dns-label-name")
_ADDRESS = frozenset({"port", "type", "hostname", "hostnames", "loadBalancerIP", _DNS_LABEL[-1]})
"""Properties of what faces callers whose change gives another URL."""

_FACING = frozenset({azure_facts.SERVICE, azure_facts.GATEWAY, azure_facts.ROUTE})
_SERVING = frozenset({*_FACING, azure_facts.DEPLOYMENT, azure_facts.NAMESPACE})
"""What the endpoint goes away with."""

_FIXED = ("vmSize", "availabilityZones", "maxPods", "osType")
"""What AKS refuses to change of a pool that exists, although the provider plans an update."""

_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")


@dataclass(frozen=True)
class Around:
    """What beside a Deployment decides whether its roll-out is noticed.

    Attributes:
        pods: Pods at least, now and after the update; None where that is not known.
        budget: Whether nodes that are drained meanwhile have to leave pods.
    """

    pods: int | None = None
    budget: bool = False


def around(steps: Sequence[Step]) -> Around:
    """What a plan tells of it."""
    pods = None
    for kind, name in (
        (azure_facts.AUTOSCALER, "minReplicas"),
        (azure_facts.DEPLOYMENT, "replicas"),
    ):
        counts = [
            _at(state, ("spec", name))
            for step in steps
            if step.type == kind and step.new is not None
            for state in (step.old, step.new)
            if state is not None
        ]
        if counts:
            # Kubernetes takes one where nothing is said; the wire has floats.
            numbers = [1 if each is None else each for each in counts]
            known = [int(each) for each in numbers if isinstance(each, int | float)]
            pods = min(known) if len(known) == len(numbers) else None
            break
    budget = any(step.type == azure_facts.BUDGET and step.new is not None for step in steps)
    return Around(pods, budget)


def speaks_of(step: Step) -> bool:
    """Whether a resource is Kubernetes' business, or the cluster itself."""
    return step.type.startswith("kubernetes:") or step.type == azure_facts.MANAGED_CLUSTER


def effect(step: Step, changes: Sequence[Difference], rest: Around) -> Effect:
    """What will happen with a step of the plan."""
    forced = tuple(one for one in changes if one.forces)
    endpoint, notes = _outcome(step, changes, rest)
    cluster = step.type == azure_facts.MANAGED_CLUSTER and step.op in {Op.DELETE, Op.REPLACE}
    return Effect(step.op, forced, endpoint, notes, "all that runs on it" if cluster else "")


def _outcome(
    step: Step, changes: Sequence[Difference], rest: Around
) -> tuple[Endpoint, tuple[str, ...]]:
    if step.type == azure_facts.MANAGED_CLUSTER:
        return _cluster(step, changes, rest)
    if step.type in _SERVING and step.op is not Op.UPDATE:
        return _whole(step)
    if step.op is not Op.UPDATE:
        return Endpoint.UNTOUCHED, ()
    if step.type == azure_facts.DEPLOYMENT:
        return _roll_out(step, changes, rest)
    touched = {str(one.path[-1]) for one in changes if one.path}
    if step.type in _FACING and (
        touched & _ADDRESS or any("hostnames" in one.path for one in changes)
    ):
        return Endpoint.MOVES, ()
    if step.type == azure_facts.SERVICE and any("selector" in one.path for one in changes):
        return Endpoint.INTERRUPTED, ("its service leads to other pods",)
    if step.type == azure_facts.NETWORK_POLICY and "port" in touched:
        note = "the old port is closed at once, before the pods serve on the new one"
        return Endpoint.INTERRUPTED, (note,)
    return Endpoint.UNTOUCHED, ()


def _whole(step: Step) -> tuple[Endpoint, tuple[str, ...]]:
    """Where something that the endpoint needs comes or goes as a whole."""
    if step.op is Op.DELETE:
        behind = step.type in {azure_facts.GATEWAY, azure_facts.ROUTE}
        return Endpoint.MOVES if behind else Endpoint.REMOVED, ()
    if step.op is Op.REPLACE:
        note = f"{step.name} is deleted before it is made anew, with what hangs on it"
        return Endpoint.INTERRUPTED, (note,)
    starts = step.op is Op.CREATE and (step.type == azure_facts.DEPLOYMENT or step.vanished)
    return Endpoint.STARTS if starts else Endpoint.UNTOUCHED, ()


def _roll_out(
    step: Step, changes: Sequence[Difference], rest: Around
) -> tuple[Endpoint, tuple[str, ...]]:
    if not any(one.path[:2] == ("spec", "template") for one in changes):
        return Endpoint.UNTOUCHED, ("no pod is replaced",)
    reasons = [*_of_the_strategy(step.new), *_of_the_rest(rest)]
    if reasons:
        return Endpoint.GAPS, ("; ".join(reasons),)
    return Endpoint.ROLLS, ("each pod goes once its successor is ready",)


def _of_the_strategy(deployment: State | None) -> Iterator[str]:
    """Why a new version of the pods could be noticed."""
    strategy = ("spec", "strategy")
    kind = _at(deployment, (*strategy, "type")) or "RollingUpdate"
    away = _at(deployment, (*strategy, "rollingUpdate", "maxUnavailable"))
    if kind != "RollingUpdate":
        yield f"all pods go before new ones come (strategy {kind})"
    elif away not in (0, "0", "0%"):
        yield f"pods go before their successors are ready (maxUnavailable {away or '25%'})"
    containers = _at(deployment, ("spec", "template", "spec", "containers"))
    if isinstance(containers, list) and not all(map(_asked, containers)):
        yield "a container is not asked whether it is ready (no readinessProbe)"


def _of_the_rest(rest: Around) -> Iterator[str]:
    """Why a node that goes meanwhile could be noticed."""
    if rest.pods is not None and rest.pods < LEAST_REPLICAS:
        yield f"there may be {rest.pods} pod alone"
    if not rest.budget:
        yield "no disruption budget keeps pods while nodes are drained"


def _cluster(
    step: Step, changes: Sequence[Difference], rest: Around
) -> tuple[Endpoint, tuple[str, ...]]:
    if step.op is Op.REPLACE:
        return Endpoint.INTERRUPTED, ("the cluster is replaced, and everything on it is made anew",)
    if step.op is Op.UPDATE and any(one.path == ("kubernetesVersion",) for one in changes):
        reasons = tuple(_of_the_rest(rest))
        note = "its nodes are upgraded one after another; their pods move"
        return (Endpoint.GAPS, ("; ".join(reasons),)) if reasons else (Endpoint.ROLLS, (note,))
    return Endpoint.UNTOUCHED, ()


def obstacles(steps: Sequence[Step]) -> Iterator[Obstacle]:
    """What AKS would refuse half-way."""
    for step in steps:
        if step.type != azure_facts.MANAGED_CLUSTER or step.op is not Op.UPDATE:
            continue
        fixed = _of_the_pools(step)
        if fixed:
            yield Obstacle(
                step.name,
                "",
                f"AKS refuses to change {', '.join(fixed)} of a pool that exists",
                "put it back; for other nodes, make a stack of another name, lead the callers to "
                "it, and destroy this one last",
            )
        old, new = (_version(_at(state, ("kubernetesVersion",))) for state in (step.old, step.new))
        if old and new and (new < old[: len(new)] or new[:2] > (old[0], old[1] + 1)):
            yield Obstacle(
                step.name,
                "",
                "AKS takes no older version of Kubernetes, and one minor version at a time",
                f"set kubernetesVersion to {old[0]}.{old[1]}, or to {old[0]}.{old[1] + 1} at most",
            )


def _of_the_pools(step: Step) -> list[str]:
    found = {
        str(one.path[2])
        for one in paths.differences(
            _at(step.old, ("agentPoolProfiles",)), _at(step.new, ("agentPoolProfiles",)),
            ("agentPoolProfiles",),
        )
        if len(one.path) > 2 and one.path[2] in _FIXED and UNKNOWN not in (one.old, one.new)
        # A pool that comes or goes as a whole may be as it likes.
        and paths.MISSING not in (one.old, one.new)
    }  # fmt: skip
    return sorted(found)


def _version(text: Any) -> tuple[int, ...]:
    match = _VERSION.fullmatch(text) if isinstance(text, str) else None
    return tuple(int(each) for each in match.groups() if each) if match else ()


def _at(state: State | None, path: paths.Path) -> Any:
    found = paths.at(state.inputs, path) if state else None
    return None if found is paths.MISSING else found


def _asked(container: Any) -> bool:
    return not isinstance(container, dict) or bool(container.get("readinessProbe"))
