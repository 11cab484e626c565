"""Whether the region has room, held against Azure's answers."""

from __future__ import annotations

from typing import Any

import pytest

from infra import azure_facts
from infra.preflight import capacity
from infra.preflight.line import good, not_asked, refused
from infra.preview.plan import Op, State, Step
from tests.support.told_azure import SUBSCRIPTION, Told, planned

PORTAL = "https://portal.azure.com/#view/Microsoft_Azure_Capacity/QuotaMenuBlade/~/myQuotas"
OF_GROUPS = f"{SUBSCRIPTION}/providers/Microsoft.ContainerInstance/locations/westeurope/usages"
OF_NODES = f"{SUBSCRIPTION}/providers/Microsoft.Compute/locations/westeurope/usages"
VERSIONS = (
    f"{SUBSCRIPTION}/providers/Microsoft.ContainerService/locations/westeurope/kubernetesVersions"
)


def group(*cores: float) -> State:
    return State({"containers": [{"resources": {"requests": {"cpu": each}}} for each in cores]})


def of_groups(new: State, old: State | None = None) -> Step:
    op = Op.UPDATE if old else Op.CREATE
    return Step(op, "urn:g", azure_facts.CONTAINER_GROUP, old, new)


def usage(name: Any, used: float, limit: float) -> dict[str, Any]:
    return {"name": {"value": name}, "currentValue": used, "limit": limit}


@pytest.mark.parametrize(
    ("step", "used", "limit", "answer"),
    [
        (of_groups(group(1, 1.5)), 0, 2.5, good("2.5 more are asked for, 0 of 2.5 used in")),
        (of_groups(group(1, 1.5)), 8, 10.5, good("2.5 more are asked for, 8 of 10.5 used in")),
        (
            of_groups(group(2.5)),
            *(8, 10.25, refused("2.5 more are asked for, 8 of 10.25 used in", "10.5")),
        ),
        (of_groups(group(4), group(1)), 1, 4, good("3 more are asked for, 1 of 4 used in")),
        (of_groups(group(1), group(1)), 9, 4, good("0 more are asked for, 9 of 4 used in")),
        (of_groups(group(1)), 9, 4, refused("1 more are asked for, 9 of 4 used in", "10")),
        (
            of_groups(State({"containers": "[secret]"})),
            *(0, 0, good("0 more are asked for, 0 of 0 used in")),
        ),
    ],
)
def test_what_is_more_than_the_stack_has_must_fit_beside_what_is_used(
    step: Step, used: float, limit: float, answer: Any
) -> None:
    azure = Told()
    azure.lists(OF_GROUPS, {}, usage("ContainerGroups", 9, 9), usage("standardcores", used, limit))
    remedy = answer.remedy and f"# raise StandardCores to {answer.remedy}: {PORTAL}"
    wanted = answer._replace(said=f"{answer.said} westeurope", remedy=remedy)
    assert capacity.cores(azure, planned(step)) == wanted
    assert azure.asked == [(OF_GROUPS, {"api-version": "2023-05-01"}, None)]


def test_a_cluster_is_counted_by_the_nodes_that_it_begins_with() -> None:
    pools = [
        {"vmSize": "Standard_D4s_v5", "minCount": 2, "count": 9},
        {"vmSize": "Standard_D2s_v5", "count": 3},
        {"vmSize": "Standard_D8s_v5"},
        {},
    ]
    kind = azure_facts.MANAGED_CLUSTER
    cluster = Step(Op.CREATE, "urn:c", kind, None, State({"agentPoolProfiles": pools}))
    azure = Told()
    azure.lists(OF_NODES, usage("cores", 1, 23))
    both = planned(of_groups(group(50)), cluster)
    assert capacity.cores(azure, both) == good("22 more are asked for, 1 of 23 used in westeurope")
    assert azure.asked == [(OF_NODES, {"api-version": "2024-07-01"}, None)]
    azure.lists(OF_NODES, usage("cores", 2, 23))
    assert capacity.cores(azure, both) == refused(
        "22 more are asked for, 2 of 23 used in westeurope", f"# raise cores to 24: {PORTAL}"
    )


def test_what_nobody_tells_or_declares_is_not_asked() -> None:
    azure = Told()
    azure.lists(OF_GROUPS, usage("Other", 1, 1), {"name": None})
    assert capacity.cores(azure, planned(of_groups(group(1)))) == not_asked(
        "westeurope tells no quota of StandardCores"
    )
    assert capacity.cores(azure, planned()) == not_asked(
        "neither a container group nor a cluster is declared"
    )
    azure.lists(OF_GROUPS, {"name": {"value": "StandardCores"}})
    assert capacity.cores(azure, planned(of_groups(group()))) == good(
        "0 more are asked for, 0 of 0 used in westeurope"
    )


@pytest.mark.parametrize(
    ("wanted", "answer"),
    [
        (None, good("the default of westeurope")),
        ("1.36", good("westeurope has 1.36")),
        ("1.36.3", good("westeurope has 1.36.3")),
        (
            "1.20",
            refused(
                "westeurope has not 1.20, but 1.36, 1.9",
                "pulumi config set kubernetesVersion 1.36 --stack dev",
            ),
        ),
    ],
)
def test_a_version_is_one_of_the_regions_or_a_patch_of_it(wanted: str | None, answer: Any) -> None:
    kind = azure_facts.MANAGED_CLUSTER
    cluster = Step(Op.CREATE, "urn:c", kind, None, State({"kubernetesVersion": wanted}))
    values = [{"version": "1.9"}, {"version": "1.36", "patchVersions": {"1.36.3": {}}}]
    azure = Told(**{VERSIONS: {"values": values}})
    assert capacity.kubernetes(azure, planned(cluster)) == answer
    assert azure.asked == [(VERSIONS, {"api-version": "2025-09-01"}, None)]


@pytest.mark.parametrize("told", [None, {}, {"values": None}])
def test_a_region_that_offers_no_version_says_so(told: Any) -> None:
    kind = azure_facts.MANAGED_CLUSTER
    cluster = Step(Op.CREATE, "urn:c", kind, None, State({"kubernetesVersion": "1.20"}))
    answer = capacity.kubernetes(Told(**{VERSIONS: told}), planned(cluster))
    assert answer.said == "westeurope has not 1.20, but "
