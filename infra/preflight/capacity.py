"""Whether the region has room: cores of container groups, or cores and a version of a cluster.

Sources: the REST references "Location - List Usage" (Container Instances), "Usage - List" (Compute)
and "Managed Clusters - List Kubernetes Versions".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra import azure_facts
from infra.arm.client import Arm
from infra.preflight.line import Answer, good, not_asked, refused
from infra.preflight.planned import Planned

_GROUPS = "2023-05-01"
_COMPUTE = "2024-07-01"
_CLUSTERS = "2025-09-01"
_ASK_FOR_MORE = "https://portal.azure.com/#view/Microsoft_Azure_Capacity/QuotaMenuBlade/~/myQuotas"


def cores(arm: Arm, planned: Planned) -> Answer:
    """Whether the quota has what the update asks for beyond what the stack has already."""
    kind = azure_facts.CONTAINER_GROUP
    namespace, version, named = "Microsoft.ContainerInstance", _GROUPS, "StandardCores"
    count = _of_containers
    if azure_facts.MANAGED_CLUSTER in planned.steps:
        kind, count = azure_facts.MANAGED_CLUSTER, _of_nodes
        namespace, version, named = "Microsoft.Compute", _COMPUTE, "cores"
    step = planned.steps.get(kind)
    if step is None:
        return not_asked("neither a container group nor a cluster is declared")
    held = count(step.old.inputs) if step.old and planned.is_there(kind) else 0
    asked = count(planned.new(kind)) - held
    path = f"{planned.subscription}/providers/{namespace}/locations/{planned.location}/usages"
    for one in arm.listed(path, version):
        if str((one.get("name") or {}).get("value", "")).lower() != named.lower():
            continue
        used, limit = float(one.get("currentValue", 0)), float(one.get("limit", 0))
        said = f"{asked:g} more are asked for, {used:g} of {limit:g} used in {planned.location}"
        if asked <= max(limit - used, 0):
            return good(said)
        return refused(said, f"# raise {named} to {used + asked:g}: {_ASK_FOR_MORE}")
    return not_asked(f"{planned.location} tells no quota of {named}")


def kubernetes(arm: Arm, planned: Planned) -> Answer:
    """Whether the region offers the cluster's version."""
    wanted = planned.new(azure_facts.MANAGED_CLUSTER).get("kubernetesVersion")
    place = f"Microsoft.ContainerService/locations/{planned.location}/kubernetesVersions"
    found = arm.get(f"{planned.subscription}/providers/{place}", _CLUSTERS) or {}
    values = found.get("values") or []
    known = {str(one.get("version")) for one in values}
    patches = {each for one in values for each in one.get("patchVersions") or {}}
    if not wanted:
        return good(f"the default of {planned.location}")
    if wanted in known | patches:
        return good(f"{planned.location} has {wanted}")
    newest = max(known, key=lambda each: [int(part) for part in each.split(".")], default="")
    said = f"{planned.location} has not {wanted}, but {', '.join(sorted(known))}"
    return refused(said, planned.config.set("kubernetesVersion", newest))


def _of_containers(group: Mapping[str, Any]) -> float:
    containers = group.get("containers")
    return sum(
        float(each["resources"]["requests"]["cpu"])
        for each in (containers if isinstance(containers, list) else [])
    )


def _of_nodes(cluster: Mapping[str, Any]) -> float:
    """The nodes that the pools begin with."""
    return sum(
        float(pool.get("minCount") or pool.get("count") or 1)
        * azure_facts.cores_of(str(pool.get("vmSize", "")))
        for pool in cluster.get("agentPoolProfiles") or []
    )
