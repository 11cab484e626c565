"""The commands that are printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra import azure_facts
from infra.disclosure.mask import Mask
from infra.drift import repair, strays
from infra.drift.finding import Finding, Kind, Question
from infra.drift.stack import Stack

GROUP = "/subscriptions/00000000-0000-0000-0000-00000000da7a/resourceGroups/rg"
ACCOUNT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/"
URN = "urn:pulumi:dev::p::azure-native:containerinstance:ContainerGroup::scoring-group"


def stack() -> Stack:
    kinds = {
        azure_facts.RESOURCE_GROUP: GROUP,
        azure_facts.STORAGE_ACCOUNT: f"{ACCOUNT}st",
        azure_facts.CONTAINER_GROUP: (
            f"{GROUP}/providers/Microsoft.ContainerInstance/containerGroups/g"
        ),
    }
    resources = [
        {"urn": f"urn:pulumi:dev::p::{kind}::n", "type": kind, "id": own, "custom": True}
        for kind, own in kinds.items()
    ]
    resources[-1]["urn"] = URN
    return Stack("dev", Path(), {"deployment": {"resources": resources}})


class Listing:
    """What `Arm.resources` yields."""

    def __init__(self, *resources: tuple[str, str]) -> None:
        self.found = [
            {"id": f"{GROUP}/providers/{kind}/{name}", "type": kind, "name": name}
            for kind, name in resources
        ]

    def resources(self, group_id: str) -> list[dict[str, Any]]:
        assert group_id == GROUP
        return self.found


def found(*resources: tuple[str, str]) -> list[Finding]:
    known = [each.id for each in stack().resources]
    return list(strays.resources(Listing(*resources).resources(GROUP), known, Mask()))


def lines(*findings: Finding) -> list[str]:
    return [one.line for one in repair.of(stack(), findings)]


REGISTRY = "urn:pulumi:dev::p::azure-native:containerregistry:Registry::registry"


def test_drift_is_repaired_by_an_update_of_that_resource_alone(
    finding: Callable[..., Finding],
) -> None:
    assert lines(finding(urn=REGISTRY), finding(urn=REGISTRY, path="tags.team")) == [
        f"pulumi up --refresh --target {REGISTRY} --stack dev"
    ]
    assert lines() == []
    assert repair.script(()) == "# nothing to repair"


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"path": "containers[0].image"}, "INTERRUPTS the endpoint: its containers restart"),
        (
            {"path": "containers[0].resources.requests.cpu", "replaces": True},
            "REPLACES registry: no endpoint meanwhile",
        ),
        ({"path": "tags.team"}, "INTERRUPTS the endpoint: its containers restart"),
        ({"path": "", "kind": Kind.MISSING}, ""),
    ],
)
def test_what_an_update_does_to_the_endpoint_stands_on_its_line(
    changes: dict[str, Any], line: str, finding: Callable[..., Finding]
) -> None:
    (one,) = repair.of(stack(), [finding(type=azure_facts.CONTAINER_GROUP, urn=URN, **changes)])
    assert one.harm == line
    assert line in one.line
    assert one.chosen is line.startswith("REPLACES")


def test_what_is_gone_is_made_again_and_nothing_is_interrupted(
    finding: Callable[..., Finding],
) -> None:
    gone = finding(type=azure_facts.CONTAINER_GROUP, urn=URN, path="", kind=Kind.MISSING)
    other = replace(gone, question=Question.PROGRAM, path="sku", kind=Kind.CHANGED, replaces=True)
    (one,) = repair.of(stack(), [gone, other])
    assert (one.harm, one.chosen) == ("", False)


def test_a_stopped_group_is_started_before_it_is_made_anew(
    finding: Callable[..., Finding],
) -> None:
    stopped = finding(question=Question.ENDPOINT, resource="endpoint", type="", path="state")
    first, second, *_ = lines(finding(urn=REGISTRY), stopped)
    assert first == (
        "az container start --name g --resource-group rg"
        " --subscription 00000000-0000-0000-0000-00000000da7a"
    )
    assert second == (
        "# REPLACES the container group: no endpoint meanwhile: "
        f"pulumi up --refresh --target {URN} --replace {URN} --stack dev"
    )


def test_a_wrong_endpoint_of_an_unchanged_group_is_restarted_first(
    finding: Callable[..., Finding],
) -> None:
    wrong = finding(question=Question.ENDPOINT, resource="endpoint", type="", path="answers")
    first, second = lines(wrong)
    assert first.startswith("az container restart --name g ")
    assert "# INTERRUPTS the endpoint" in first
    assert second.startswith("# REPLACES the container group")
    changed = finding(type=azure_facts.CONTAINER_GROUP, path="containers[0].image", urn=URN)
    (only,) = lines(wrong, changed)
    assert only.startswith(f"pulumi up --refresh --target {URN} --stack dev")


def test_what_the_program_no_longer_declares_is_kept_first_and_deleted_last(
    finding: Callable[..., Finding],
) -> None:
    gone = finding(question=Question.PROGRAM, kind=Kind.UNEXPECTED, path="", urn=REGISTRY)
    first, second, third = lines(gone)
    assert "declare it again" in first
    assert second.startswith("# DELETES registry from the state alone: pulumi state delete")
    assert third.startswith("# DELETES registry: pulumi up")


def test_what_is_declared_and_in_no_state_is_imported_and_never_deleted(
    finding: Callable[..., Finding],
) -> None:
    parent = "urn:pulumi:dev::p::sklearn-mnist-svc:infra:Workspace::workspace"
    lost = finding(
        question=Question.GROUP,
        resource="storage",
        type=azure_facts.STORAGE_ACCOUNT,
        path="",
        kind=Kind.UNRECORDED,
        id=f"{ACCOUNT}mine",
        urn="urn:x",
        parent=parent,
        protected=True,
    )
    assert lines(lost) == [
        f"pulumi import azure-native:storage:StorageAccount storage {ACCOUNT}mine"
        f" --parent parent={parent} --protect=true --generate-code=false --yes --stack dev"
    ]
    assert "its id is hidden" in lines(replace(lost, id=""))[0]


def test_a_right_is_deleted_by_what_it_allows_and_holds_nothing(
    finding: Callable[..., Finding],
) -> None:
    own = f"{GROUP}/providers/{strays.RIGHT}/42"
    right = finding(
        question=Question.GROUP,
        resource="42",
        type=strays.RIGHT,
        path="",
        label="Owner at rg",
        kind=Kind.UNEXPECTED,
        id=own,
    )
    assert lines(right)[1] == f"# DELETES Owner at rg: az role assignment delete --ids {own}"


@pytest.mark.parametrize(
    ("kind", "first"),
    [
        (azure_facts.VAULT, "az keyvault recover --name v1"),
        (azure_facts.ML_WORKSPACE, "# bring v back; the state still knows it: in the portal, "),
    ],
)
def test_what_was_deleted_and_holds_its_name_is_brought_back_and_not_made_anew(
    kind: str, first: str, finding: Callable[..., Finding]
) -> None:
    """An update would stop there, for Azure refuses another one of its name."""
    known = {"urn": "urn:v", "type": kind, "id": f"{GROUP}/providers/x/y/v1", "custom": True}
    deleted = finding(resource="v", type=kind, urn="urn:v", path="", kind=Kind.MISSING)
    state = Stack("dev", Path(), {"deployment": {"resources": [known]}})
    recover, anew = repair.of(state, [deleted])
    assert recover.line.startswith(first)
    assert recover.line.endswith(" v1")
    assert recover.why.startswith("bring v back; the state still knows it")
    assert anew == repair.Repair(
        "if it was purged, make it anew, without what was in it:"
        " pulumi up --refresh --target urn:v --stack dev"
    )
    assert "INTERRUPTS" not in recover.line


@pytest.mark.parametrize(
    "changes",
    [
        {"path": "properties.sku"},
        {"kind": Kind.CHANGED},
        {"question": Question.PROGRAM},
        {"type": azure_facts.REGISTRY},
    ],
)
def test_what_holds_no_name_is_updated_and_not_recovered(
    changes: dict[str, Any], finding: Callable[..., Finding]
) -> None:
    deleted = {"type": azure_facts.VAULT, "urn": "urn:v", "path": "", "kind": Kind.MISSING}
    assert finding(**deleted).soft_deleted
    one = finding(**{**deleted, **changes})
    assert not one.soft_deleted
    assert lines(one) == ["pulumi up --refresh --target urn:v --stack dev"]


def test_each_thing_to_do_says_what_for_with_what_and_at_which_price(
    finding: Callable[..., Finding],
) -> None:
    unrecorded = {"question": Question.GROUP, "path": "", "kind": Kind.UNRECORDED}
    lost = finding(
        **unrecorded, resource="lost", type=azure_facts.CONTAINER_GROUP, id="/g2", urn="urn:lost"
    )
    hidden = finding(**unrecorded, resource="hidden", urn="urn:hidden")
    gone = finding(question=Question.PROGRAM, kind=Kind.UNEXPECTED, path="", urn="urn:r")
    replaced = finding(urn="urn:x", resource="x", replaces=True)
    changed = finding(urn="urn:y")
    stray = finding(**{**unrecorded, "kind": Kind.UNEXPECTED}, resource="stray", type="t", id="/s")
    nameless = replace(stray, id="")
    set_by_hand = finding(urn=URN, undeclared=True, path="priority", resource="scoring-group")
    interrupts = "INTERRUPTS the endpoint: its containers restart"
    up = "pulumi up --refresh --target"
    made = repair.of(
        stack(), [changed, hidden, lost, replaced, gone, set_by_hand, stray, nameless, changed]
    )
    assert made == (
        repair.Repair(
            "take hidden into the state; nothing happens to it: pulumi import"
            " azure-native:containerregistry:Registry hidden; its id is hidden here"
        ),
        repair.Repair(
            "take lost into the state; nothing happens to it",
            "pulumi import azure-native:containerinstance:ContainerGroup lost /g2"
            " --protect=false --generate-code=false --yes --stack dev",
        ),
        repair.Repair(
            "write its secure values, which Azure never returns, into the state",
            f"{up} urn:lost --stack dev",
            interrupts,
        ),
        repair.Repair("set priority of scoring-group back", f"{up} {URN} --stack dev", interrupts),
        repair.Repair("update x", f"{up} urn:x --stack dev", "REPLACES x"),
        repair.Repair("registry is deployed and not declared: declare it again, to keep it"),
        repair.Repair(
            "or let the state forget registry; Azure keeps it",
            "pulumi state delete urn:r --stack dev",
            "DELETES registry from the state alone",
        ),
        repair.Repair("or delete registry", f"{up} urn:r --stack dev", "DELETES registry"),
        repair.Repair("update what is not as declared", f"{up} urn:y --stack dev"),
        repair.Repair(
            "t stray was made by hand: if it is needed, declare it in the program and import it,"
            " or accept it in the baseline"
        ),
        repair.Repair(
            "or delete it",
            "az resource delete --ids /s",
            "DELETES stray and all that is in it",
        ),
        repair.Repair(
            "t stray was made by hand: if it is needed, declare it in the program and import it,"
            " or accept it in the baseline"
        ),
        repair.Repair("or delete stray by hand: its id is hidden"),
    )


def test_each_way_to_an_endpoint_that_answers_right_says_what_it_does(
    finding: Callable[..., Finding],
) -> None:
    wrong = finding(question=Question.ENDPOINT, resource="endpoint", type="", path="answers")
    whole = "--name g --resource-group rg --subscription 00000000-0000-0000-0000-00000000da7a"
    anew = repair.Repair(
        "if that does not help, make it anew",
        f"pulumi up --refresh --target {URN} --replace {URN} --stack dev",
        "REPLACES the container group: no endpoint meanwhile",
    )
    interrupts = "INTERRUPTS the endpoint: its containers restart"
    assert repair.of(stack(), [wrong]) == (
        repair.Repair("restart the container group", f"az container restart {whole}", interrupts),
        anew,
    )
    stopped = replace(wrong, path="state")
    assert repair.of(stack(), [wrong, stopped]) == (
        repair.Repair("start the container group", f"az container start {whole}"),
        anew,
    )


def test_what_somebody_set_on_an_object_is_taken_off_by_its_own_name(
    finding: Callable[..., Finding],
) -> None:
    known = stack()
    deployment = {"urn": "urn:d", "type": azure_facts.DEPLOYMENT, "custom": True, "id": "ns/svc"}
    space = {"urn": "urn:n", "type": azure_facts.NAMESPACE, "custom": True, "id": "ns"}
    known.state["deployment"]["resources"] += [deployment, space]
    there = [
        finding(urn=urn, undeclared=True, default=path)
        for urn, path in (("urn:d", "/spec/l/0"), ("urn:n", "/spec/x"), ("urn:d", "/spec/l/1"))
    ]
    assert repair.of(known, [*there, finding(urn="urn:d")])[:2] == (
        repair.Repair(
            "take off urn:d what somebody set and nothing declares; or declare it",
            "kubectl patch deployment/svc --namespace ns --type=json '--patch="
            '[{"op": "remove", "path": "/spec/l/1"}, {"op": "remove", "path": "/spec/l/0"}]\'',
        ),
        repair.Repair(
            "take off urn:n what somebody set and nothing declares; or declare it",
            "kubectl patch namespace/ns --type=json"
            ' \'--patch=[{"op": "remove", "path": "/spec/x"}]\'',
        ),
    )


def test_kubectl_is_signed_in_only_for_its_own_commands(finding: Callable[..., Finding]) -> None:
    known = stack()
    cluster = f"{GROUP}/providers/Microsoft.ContainerService/managedClusters/aks"
    known.state["deployment"]["resources"] += [
        {"urn": "c", "type": azure_facts.MANAGED_CLUSTER, "custom": True, "id": cluster},
        {"urn": "urn:n", "type": azure_facts.NAMESPACE, "custom": True, "id": "ns"},
    ]
    plain = repair.of(known, [finding(urn=REGISTRY)])
    assert [one.command.split()[0] for one in plain] == ["pulumi"]
    first, *_ = repair.of(known, [finding(urn="urn:n", undeclared=True, default="/spec/x")])
    assert first == repair.Repair(
        "sign kubectl in first: az aks get-credentials --resource-group rg --name aks"
    )


def test_a_stray_is_declared_or_accepted_before_it_is_deleted() -> None:
    (stray,) = strays = found(
        ("Microsoft.Storage/storageAccounts", "ST"), ("Microsoft.Storage/storageAccounts", "mine")
    )
    assert (stray.resource, stray.type) == ("mine", "Microsoft.Storage/storageAccounts")
    first, second = lines(*strays)
    assert "declare it" in first
    assert "accept it in the baseline" in first
    assert second == (
        f"# DELETES mine and all that is in it: az resource delete --ids {ACCOUNT}mine"
    )


def test_pasted_as_a_whole_the_script_deletes_and_replaces_nothing(
    finding: Callable[..., Finding],
) -> None:
    harms = repair.of(
        stack(),
        [
            finding(urn=REGISTRY, replaces=True),
            finding(question=Question.ENDPOINT, type="", path="answers"),
            *found(("Microsoft.Network/virtualNetworks", "vnet")),
        ],
    )
    run = [line for line in repair.script(harms).splitlines() if not line.startswith("#")]
    assert all(line.startswith("az container restart") for line in run)
    assert sum(one.chosen for one in harms) == 3


def test_a_name_that_could_run_something_is_quoted_or_hidden() -> None:
    strays = found(("Microsoft.Storage/storageAccounts", "a; rm -rf ~"))
    assert f"--ids '{ACCOUNT}a; rm -rf ~'" in lines(*strays)[1]
    assert "\n" not in repair.Repair("a\nrm -rf ~").line
    strays = found(("Microsoft.Storage/storageAccounts", "password=hunter2hunter2"))
    assert "hunter2" not in str(lines(*strays)) + str(strays)


def test_what_nothing_declares_is_set_by_azures_own_name_for_an_update_leaves_it(
    finding: Callable[..., Finding],
) -> None:
    urn = f"urn:pulumi:dev::p::{azure_facts.STORAGE_ACCOUNT}::n"
    opened = finding(urn=urn, undeclared=True, default="properties.networkAcls.ipRules=[]")
    known = stack()
    known.state["deployment"]["resources"][1]["outputs"] = {"azureApiVersion": "2024-01-01"}
    (one,) = repair.of(known, [opened, opened])
    assert one.command == (
        f"az resource update --ids {ACCOUNT}st --api-version 2024-01-01"
        " --set 'properties.networkAcls.ipRules=[]'"
    )
    assert one.harm == ""
    assert one.why == (
        "set what nothing declares of n to Azure's default; or declare it: an update leaves it as"
        " it is"
    )
    (by_hand,) = repair.of(known, [finding(urn=urn, undeclared=True)])
    assert (by_hand.command, "by hand, or declare it" in by_hand.why) == ("", True)
    (update,) = repair.of(known, [finding(urn=URN, undeclared=True, default="properties.x=1")])
    assert update.command.startswith("pulumi up --refresh --target ")
    assert update.harm.startswith("INTERRUPTS")
