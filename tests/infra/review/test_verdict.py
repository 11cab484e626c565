"""The first two lines: each kind of change has its own, the cause above what follows."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.preview.plan import Op
from infra.review import manifests
from infra.review.azure import Endpoint
from infra.review.judgement import Finding
from infra.review.key_change import KeyChange
from infra.review.obstacles import Obstacle
from infra.review.rendering import markdown
from infra.review.report import Problem, Report
from infra.review.resource_change import ResourceChange, Row
from infra.review.verdict import verdict
from tests.support.inputs import changed
from tests.support.machine import MODEL

Build = Callable[..., Report]
Make = Callable[..., Any]
OLD, NEW = "b" * 64, "c" * 64


def without_key(group: dict[str, Any]) -> dict[str, Any]:
    copied = copy.deepcopy(group)
    del copied["containers"][0]["environmentVariables"][2]
    return copied


@pytest.fixture
def models(tmp_path: Path) -> manifests.Manifests:
    for version, sha256, accuracy in (("1", OLD, 0.95), ("2", NEW, 0.9412)):
        (tmp_path / version).mkdir()
        content = json.loads((MODEL / "manifest.json").read_text())
        content |= {"name": "digits", "version": version, "sha256": sha256}
        content["metrics"]["accuracy"] = accuracy
        (tmp_path / version / "manifest.json").write_text(json.dumps(content))
    return manifests.find(tmp_path)


def lines(made: Report) -> list[str]:
    return verdict(made).splitlines()


def test_another_model_says_versions_and_accuracy(
    build: Build, group: Make, group_change: Make, models: manifests.Manifests
) -> None:
    event = group_change(group(OLD, OLD, "1"), group(NEW, NEW, "2"))
    first, second = lines(build(event, found=models))
    assert first == "Another model: `digits` `1` -> `digits` `2`, accuracy -0.0088."
    assert second == (
        "1 changed in place. The endpoint restarts: no caller gets an answer for some seconds."
    )


def test_a_model_without_a_manifest_does_not_pretend_to_be_measured(
    build: Build, group: Make, group_change: Make
) -> None:
    event = group_change(group(OLD, OLD, "1"), group(NEW, NEW, "2"))
    assert lines(build(event))[0] == "Another model: model `1` -> model `2`, accuracy not known."


def test_another_image_says_so(build: Build, group: Make, group_change: Make) -> None:
    event = group_change(group("d" * 64), group("e" * 64))
    assert lines(build(event))[0] == "Another image with the same model."


def test_another_sha256_of_the_same_image_is_not_another_model(
    build: Build, group: Make, group_change: Make, models: manifests.Manifests
) -> None:
    """An image holds one model: the container refuses the other one, and the update fails."""
    event = group_change(group("d" * 64, OLD), group("d" * 64, NEW))
    assert lines(build(event, found=models))[0] == (
        f"**Another SHA-256 for the same image**, `{OLD[:12]}` -> `{NEW[:12]}`: "
        "the container starts only if its model has it."
    )


@pytest.mark.parametrize("op", ["same", "update"])
def test_a_protection_that_is_removed_is_said_although_azure_changes_nothing(
    op: str, build: Build, step: Make
) -> None:
    inputs = {"location": "westeurope"}
    new = {**inputs, "tags": {"a": "b"}} if op == "update" else inputs
    events = [step(op, name, old=inputs, new=new) for name in ("store", "vault")]
    for event in events:
        event["resourcePreEvent"]["metadata"]["old"]["protect"] = True
    first = lines(build(*events))[0]
    assert first.startswith(
        "**Protection is removed** from `store`, `vault`: they can be deleted then"
    )
    for event in events:
        event["resourcePreEvent"]["metadata"]["new"]["protect"] = True
    assert "rotection" not in lines(build(*events))[0]


def test_a_key_that_is_set_changed_or_removed_is_told_apart(
    build: Build, group: Make, group_change: Make
) -> None:
    path = "containers[0].environmentVariables[2].secureValue"
    given = build(group_change(without_key(group()), group()))
    other = build(group_change(group(), group(), diff={path: "update"}))
    taken = build(group_change(group(), without_key(group())))
    assert [one.key for one in (given, other, taken)] == [
        KeyChange.SET,
        KeyChange.CHANGED,
        KeyChange.REMOVED,
    ]
    assert lines(given)[0] == "A key is set: callers without it are refused."
    assert lines(other)[0] == "The key is changed: callers need the new one."
    assert lines(taken)[0] == "**The key is removed: the endpoint is open to all**."
    assert (given.refusal, other.refusal) == ("", "")
    assert taken.refusal == "mandatory policies are violated: endpoint-keeps-its-key"
    assert "`endpoint-keeps-its-key`" in lines(taken)[1]


FIRST, SECOND = (f"containers[0].environmentVariables[{index}].secureValue" for index in (2, 3))


@pytest.mark.parametrize(
    ("before", "after", "updated", "told"),
    [
        (1, 2, [], "A second key is set: it is as good as the first."),
        (2, 1, [], "The second key is removed: callers need the first."),
        (2, 2, [SECOND], "The second key is changed: its callers need the new one."),
        (2, 2, [FIRST, SECOND], "The keys are changed: callers need one of the two."),
        (1, 2, [FIRST], "The keys are changed: callers need one of the two."),
        (2, 0, [], "**The key is removed: the endpoint is open to all**."),
    ],
)
def test_a_second_key_is_told_by_what_callers_need(
    before: int,
    after: int,
    updated: list[str],
    told: str,
    build: Build,
    group: Make,
    group_change: Make,
) -> None:
    old, new = (keyed(group(), count) for count in (before, after))
    event = group_change(old, new, diff=dict.fromkeys(updated, "update") or None)
    assert lines(build(event))[0] == told


def keyed(inputs: dict[str, Any], count: int) -> dict[str, Any]:
    """A group with so many keys."""
    variables = inputs["containers"][0]["environmentVariables"]
    (key,) = [one for one in variables if one["name"] == "SCORING_KEY"]
    others = [one for one in variables if one is not key]
    second = {**key, "name": "SCORING_KEY_SECONDARY"}
    inputs["containers"][0]["environmentVariables"] = [*others, *[key, second][:count]]
    return inputs


def test_the_url_says_which_part_changes(build: Build, group: Make, group_change: Make) -> None:
    new = changed(
        group(), **{"ipAddress__ports[0]__port": 5002, "containers[0]__ports[0]__port": 5002}
    )
    assert (
        lines(build(group_change(group(), new)))[0] == "**The URL changes**: port `5001` -> `5002`."
    )
    new = changed(group(), ipAddress__dnsNameLabel="digits-for-all")
    assert lines(build(group_change(group(), new)))[0] == (
        "**The URL changes**: host name `mnist-dev-1a2b3c4d` -> `digits-for-all`."
    )
    new = changed(group(), **{"containers[0]__readinessProbe__httpGet__scheme": "https"})
    assert "scheme `(none)` -> `https`" in lines(build(group_change(group(), new)))[0]


def test_what_is_taken_away_is_said(build: Build, group: Make, group_change: Make) -> None:
    first, second = lines(build(group_change(group(), None, "delete")))
    assert first == "No image is configured any more: the service is removed."
    assert second == "1 deleted. The endpoint goes away for all callers."


def test_cores_say_what_forces_the_interruption(
    build: Build, group: Make, group_change: Make
) -> None:
    first, second = lines(build(group_change(group(), group(cpu=2))))
    assert first == "`containers[0].resources.requests.cpu` `1` -> `2` on `scoring-group`."
    assert "no caller gets an answer until the new one is ready" in second


def test_equal_changes_are_told_once(build: Build, step: Make) -> None:
    old, new = {"tags": {"a": "b"}}, {"tags": {"a": "b", "team": "blue"}}
    made = build(*(step("update", f"s{number}", old=old, new=new) for number in range(9)))
    assert lines(made)[0] == "`tags.team` `(none)` -> `blue` on 9 resources."
    shown = markdown(made)
    assert shown.count("`tags.team`") == 2
    assert "### The same on several resources" in shown
    assert "### Properties" not in shown


def test_what_vanished_from_the_cloud_is_not_taken_for_new(
    build: Build, group: Make, group_change: Make
) -> None:
    made = build(group_change(None, group(), "create"), before=["scoring-group"])
    assert lines(made) == [
        "Gone from the cloud and made again: `scoring-group`.",
        "1 created. The endpoint starts; until then there is none.",
    ]


def test_a_failed_preview_says_why_in_the_first_line(build: Build) -> None:
    said = "configuration cpu is '99';\n  allowed: 0.1 to 4 cores" + "!" * 500
    event = {"diagnosticEvent": {"severity": "error", "message": said}}
    (first,) = lines(build(event, result="failed"))
    assert first.startswith("**The preview failed**: `configuration cpu is '99'; allowed: 0.1 to 4")
    assert first.endswith("!`. What follows is incomplete.")
    assert lines(build(result="failed")) == ["**The preview failed**. What follows is incomplete."]


def test_what_is_destroyed_for_good_is_named(build: Build, step: Make) -> None:
    made = build(
        step("delete", "registry", "azure-native:containerregistry:Registry", old={}),
        step("delete", "logs", "azure-native:operationalinsights:Workspace", old={}),
    )
    assert "**Destroyed for good: `registry` with its images.**" in lines(made)[1]


def test_no_two_kinds_of_change_have_one_headline(
    build: Build, group: Make, group_change: Make, step: Make, models: manifests.Manifests
) -> None:
    old = group(OLD, OLD)
    made = [
        build(group_change(old, new, op), found=models)
        for new, op in [
            (group(NEW, NEW, "2"), "update"),
            (group("e" * 64, OLD), "update"),
            (changed(old, tags__team="blue"), "update"),
            (without_key(old), "update"),
            (changed(old, ipAddress__dnsNameLabel="other-name"), "update"),
            (group(OLD, OLD, cpu=2), "replace"),
            (changed(old, **{"ipAddress__ports[0]__port": 5002}), "replace"),
            (None, "delete"),
        ]
    ]
    assert len({verdict(one) for one in made}) == len(made)


def test_a_failed_preview_leads_with_the_programs_words_and_not_with_pulumis(build: Build) -> None:
    frame = "an unhandled error occurred: program exited with non-zero exit code: 1"
    events = [
        {"diagnosticEvent": {"severity": "error", "message": said}}
        for said in (frame, "cpu is '99'; allowed: 0.1 to 4 cores")
    ]
    made = build(*events, result="failed")
    (first,) = lines(made)
    assert first.startswith("**The preview failed**: `cpu is '99'; allowed: 0.1 to 4 cores`.")
    shown = markdown(made)
    assert shown.rindex("cpu is") < shown.index(frame)


def test_a_traceback_is_cut_before_what_it_ends_with(build: Build) -> None:
    said = f"Traceback (most recent call last): {'File x, line 1, ' * 90} KeyError: 'cpu'"
    event = {"diagnosticEvent": {"severity": "error", "message": said}}
    (first,) = lines(build(event, result="failed"))
    assert first.startswith("**The preview failed**: `Traceback")
    assert " ... " in first
    assert "KeyError: 'cpu'`. What follows" in first
    assert len(first) < 400


VAULT = "azure-native:keyvault:Vault"
WORKSPACE = "azure-native:machinelearningservices:Workspace"


@pytest.mark.parametrize(
    ("kind", "key", "days"), [(VAULT, "vaultName", "90"), (WORKSPACE, "workspaceName", "14")]
)
def test_a_name_that_the_destroyed_one_holds_stops_the_update_before_it_starts(
    build: Build, step: Make, kind: str, key: str, days: str
) -> None:
    old = {key: "kvmnistdev1a2b3c4d", "location": "westeurope"}
    new = {**old, "location": "northeurope"}
    made = build(step("replace", "one", kind, old=old, new=new, keys=["location"]))
    assert lines(made)[0].startswith("**This update cannot finish**: `one`: `kvmnistdev1a2b3c4d`:")
    assert f"{days} days" in lines(made)[0]
    assert "`location` `westeurope` -> `northeurope`" in lines(made)[0]
    assert made.refusal.startswith("this update cannot finish")
    shown = markdown(made)
    assert shown.index("### This update cannot finish") < shown.index("### Deleted or replaced")
    assert "What to do: put the setting back that forces it" in shown


def test_a_replacement_under_another_name_can_finish(build: Build, step: Make) -> None:
    old, new = {"vaultName": "one"}, {"vaultName": "two"}
    assert build(step("replace", "v", VAULT, old=old, new=new, keys=["vaultName"])).obstacles == ()


def test_a_name_that_another_resource_needs_is_held_too(build: Build, step: Make) -> None:
    made = build(
        step("delete", "old", VAULT, old={"vaultName": "KV1"}),
        step("create", "new", VAULT, new={"vaultName": "kv1"}),
    )
    assert [one.resource for one in made.obstacles] == ["new"]


@pytest.mark.parametrize(
    ("kind", "key", "remedy"),
    [
        (VAULT, "vaultName", "`az keyvault recover --name kvmnistdev1a2b3c4d`"),
        (WORKSPACE, "workspaceName", "bring kvmnistdev1a2b3c4d back first, with its models"),
    ],
)
def test_what_was_deleted_by_hand_and_holds_its_name_is_brought_back_and_not_made_again(
    build: Build, step: Make, kind: str, key: str, remedy: str
) -> None:
    event = step("create", "one", kind, new={key: "kvmnistdev1a2b3c4d"})
    made = build(event, before=["one"])
    assert lines(made)[0].startswith("**This update cannot finish**: `one`: `kvmnistdev1a2b3c4d`:")
    assert made.refusal.startswith("this update cannot finish")
    assert remedy in markdown(made)
    assert build(event).obstacles == ()


def test_a_deleted_resource_whose_name_is_free_is_made_again(build: Build, step: Make) -> None:
    assert build(step("create", "one", new={"accountName": "x"}), before=["one"]).obstacles == ()


@pytest.mark.parametrize(
    "said",
    [
        'unable to replace resource "URN" as part of replacing "urn:x" as it is currently marked '
        "for protection. To unprotect the resource, remove the `protect` flag",
        'unable to replace resource "URN"\nas it is currently marked for protection.',
        'Preview failed: resource "URN" cannot be deleted\nbecause it is protected. To unprotect',
    ],
)
def test_a_preview_that_the_protection_stopped_says_what_to_do(build: Build, said: str) -> None:
    urn = "urn:pulumi:dev::p::p:infra:Workspace$azure-native:keyvault:Vault::key-vault"
    event = {"diagnosticEvent": {"severity": "error", "message": said.replace("URN", urn)}}
    made = build(event, result="failed")
    op = "deleted" if "deleted" in said else "replaced"
    assert lines(made) == [
        f"**This update cannot start**: `key-vault`: it is protected and would be {op}. "
        "The preview stopped there: what follows is incomplete."
    ]
    assert made.refusal == (
        "this update cannot start; the report says why and what to do: key-vault"
    )
    assert "put the setting back that forces it" in markdown(made)


@pytest.mark.parametrize("op", ["delete", "replace"])
def test_a_protected_resource_stops_the_update_before_it_starts(
    build: Build, step: Make, op: str
) -> None:
    old = {"location": "westeurope"}
    new = {"location": "northeurope"} if op == "replace" else None
    event = step(op, "store", old=old, new=new, keys=["location"])
    event["resourcePreEvent"]["metadata"]["old"]["protect"] = True
    made = build(event)
    assert lines(made)[0].startswith(
        f"**This update cannot start**: `store`: it is protected and would be {op}d."
    )
    assert made.refusal.startswith("this update cannot start")


def test_a_protected_resource_that_stays_stops_nothing(build: Build, step: Make) -> None:
    event = step("update", "store", old={"tags": {}}, new={"tags": {"a": "b"}})
    event["resourcePreEvent"]["metadata"]["old"]["protect"] = True
    assert build(event).obstacles == ()


def test_an_undecided_mandatory_rule_is_named_and_stops_a_strict_review(
    build: Build, group: Make, group_change: Make, step: Make
) -> None:
    unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    old = {"sku": {"name": "Basic"}, "adminUserEnabled": False}
    registry = "azure-native:containerregistry:Registry"
    events = [
        group_change(group(), changed(group(), **{"containers[0]__image": unknown})),
        step("update", "registry", registry, old=old, new={**old, "sku": {"name": "Standard"}}),
    ]
    made, strict = build(*events), build(*events, strict=True)
    assert [(one.rule, one.resource) for one in made.open_questions] == [
        ("image-by-digest", "scoring-group")
    ]
    assert "**1 mandatory rule not decided**: `image-by-digest`." in lines(made)[1]
    assert made.refusal == ""
    assert strict.refusal == (
        "mandatory policies are not decided (--strict): image-by-digest of scoring-group"
    )
    shown = markdown(made)
    assert "`scoring-group`: `containers[0].image is not known before the update" in shown
    assert "- `containers[0].image` of `scoring-group`" in shown
    assert made.models == ()


def shown(**more: Any) -> list[str]:
    """The lines of a report of which only this is known."""
    return lines(Report("dev", **more))


def stopped(name: str, held: str = "", *, first: bool = False) -> Obstacle:
    return Obstacle(name, held, "it is held", "wait", first)


def test_the_first_obstacle_is_said_whole_and_the_others_are_counted() -> None:
    several = [stopped("vault", "kv1"), stopped("store", first=True), stopped("logs")]
    rest = " Nothing changes."
    assert shown(obstacles=several) == [
        "**This update cannot finish**: `vault`: `kv1`: it is held, and 2 more." + rest
    ]
    assert shown(obstacles=several[1:]) == [
        "**This update cannot start**: `store`: it is held, and 1 more." + rest
    ]
    assert shown(obstacles=several[2:]) == [
        "**This update cannot finish**: `logs`: it is held." + rest
    ]


def failure(message: str) -> dict[str, Any]:
    return {"failed": True, "problems": (Problem("error", "", message),)}


def test_an_error_is_said_whole_up_to_its_limit_and_cut_in_the_middle_beyond() -> None:
    longest = "a" * 200 + "b" * 100
    (whole,) = shown(**failure(longest))
    assert whole == f"**The preview failed**: `{longest}`. What follows is incomplete."
    (cut,) = shown(**failure(f"{'a' * 200}-{'b' * 100}"))
    assert cut == (
        f"**The preview failed**: `{'a' * 200} ... {'b' * 100}`. What follows is incomplete."
    )


def test_an_obstacle_says_more_than_the_failure_that_it_caused() -> None:
    (first,) = shown(**failure("x"), obstacles=[stopped("store", first=True)])
    assert first.endswith("it is held. The preview stopped there: what follows is incomplete.")
    assert "failed" not in first


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "Nothing changes."),
        ({"outputs": (Row("fqdn", "", "a", "b"),)}, "Only stack outputs change."),
        ({"causes": ("first `x`", "second `y`")}, "First `x`; second `y`."),
        ({"causes": ("**the URL** is another one",)}, "**The URL** is another one."),
        ({"causes": ("`cpu` `1` -> `2`",)}, "`cpu` `1` -> `2`."),
        (
            {"offline": True, "causes": ("x",)},
            "Only what the program declares was held against the policies, without an identity: "
            "what would change is not known.",
        ),
    ],
)
def test_the_first_line_says_what_was_changed(more: dict[str, Any], said: str) -> None:
    assert shown(**more) == [said]


def change(op: Op, name: str, **more: Any) -> ResourceChange:
    known: dict[str, Any] = {"endpoint": Endpoint.UNTOUCHED, "notes": (), "rows": ()}
    known |= {"lost": "", "vanished": False, "digest": "", **more}
    kind = known.pop("type", "t")
    return ResourceChange(name, kind, op, op, False, **known)


def test_what_is_not_shown_is_no_reason_to_say_that_nothing_changes() -> None:
    first, second = shown(changes=(change(Op.UPDATE, "s"),))
    assert first == "What was changed is not shown."
    assert second == "1 changed in place. The endpoint is not touched."


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (1, "`s0` with its blobs"),
        (3, "`s0` with its blobs, `s1` with its blobs, `s2` with its blobs"),
        (4, "`s0` with its blobs, `s1` with its blobs, `s2` with its blobs and 1 more"),
    ],
)
def test_what_is_destroyed_for_good_is_named_up_to_three(count: int, said: str) -> None:
    gone = tuple(change(Op.DELETE, f"s{number}", lost="its blobs") for number in range(count))
    (_, second) = shown(changes=(*gone, change(Op.DELETE, "other")), causes=("x",))
    assert second.endswith(f" **Destroyed for good: {said}.**")
    assert "other" not in second


def finding(rule: str, *, mandatory: bool = True) -> Finding:
    return Finding(rule, "Why.", mandatory, "s", "It is not.")


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("b", "**1 mandatory policy violation**: `b`."),
        ("bab", "**3 mandatory policy violations**: `a`, `b`."),
        ("cab", "**3 mandatory policy violations**: `a`, `b`, `c`."),
        ("dcab", "**4 mandatory policy violations**: `a`, `b`, `c` and more."),
    ],
)
def test_violated_rules_are_counted_and_named_up_to_three(rules: str, said: str) -> None:
    found = tuple(finding(rule) for rule in rules)
    advice = finding("z", mandatory=False)
    assert shown(findings=(*found, advice)) == ["Nothing changes.", said]
    assert shown(findings=(advice,), undecided=(advice,)) == ["Nothing changes."]
    open_said = said.replace("policy violations", "rules not decided")
    open_said = open_said.replace("policy violation", "rule not decided")
    assert shown(undecided=(*found, advice)) == ["Nothing changes.", open_said]


def test_what_callers_notice_says_why_by_the_worst_and_each_reason_once() -> None:
    rolls = {"endpoint": Endpoint.GAPS, "type": "kubernetes:apps/v1:Deployment"}
    changes = (
        change(Op.UPDATE, "a", notes=("one pod alone", "more"), **rolls),
        change(Op.UPDATE, "b", notes=("one pod alone",), **rolls),
        change(Op.UPDATE, "c", notes=("no budget",), **rolls),
        change(Op.UPDATE, "d", notes=(), **rolls),
        change(Op.UPDATE, "e", notes=("its tags",)),
    )
    assert shown(changes=changes)[1] == (
        "5 changed in place. Rolling, but requests may fail meanwhile: one pod alone; no budget."
    )


def test_an_interruption_says_why_on_kubernetes_and_for_a_group_what_it_is() -> None:
    pods = change(Op.REPLACE, "a", endpoint=Endpoint.INTERRUPTED, notes=("it is made anew",))
    assert shown(changes=(pods,))[1] == "1 replaced. The endpoint is interrupted: it is made anew."
    group = change(
        Op.REPLACE,
        "a",
        endpoint=Endpoint.INTERRUPTED,
        notes=("down until ready",),
        type="containerinstance:ContainerGroup",
    )
    assert "its container group is replaced" in shown(changes=(group,))[1]
    assert "down until ready" not in shown(changes=(group,))[1]
