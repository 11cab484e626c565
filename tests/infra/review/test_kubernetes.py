"""What a change does on Kubernetes: on objects as the real engine and provider wrote them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from infra.azure_facts import (
    AUTOSCALER,
    BUDGET,
    CONTAINER_GROUP,
    DEPLOYMENT,
    GATEWAY,
    MANAGED_CLUSTER,
    NAMESPACE,
    NETWORK_POLICY,
    SECRET,
    SERVICE,
)
from infra.disclosure.display import LATER
from infra.review import expectation
from infra.review.azure import Endpoint
from infra.review.key_change import KeyChange
from infra.review.machine_formats import document
from infra.review.report import Report
from infra.review.verdict import verdict
from tests.infra.review.conftest import BLIND, a_group, a_step

RECORDED: dict[str, dict[str, Any]] = json.loads(
    Path(__file__).with_name("recorded").joinpath("aks.json").read_text()
)
"""`pulumi preview --refresh` of a stack on the stand-in's cluster: by type, name and inputs."""

ABSENT = object()
LABEL = 'metadata.annotations["service.beta.kubernetes.io/azure-dns-label-name"]'
CONTAINER = "spec.template.spec.containers.0"
Build = Callable[..., Report]
Event = dict[str, Any]


def inputs(kind: str) -> dict[str, Any]:
    return copy.deepcopy(RECORDED[kind]["inputs"])


def put(tree: Any, path: str, value: Any) -> None:
    *way, last = (int(each) if each.isdigit() else each for each in path.split("."))
    for step in way:
        tree = tree[step] if isinstance(step, int) else tree.setdefault(step, {})
    if value is ABSENT:
        del tree[last]
    elif isinstance(tree, list):
        tree[int(last) : int(last) + 1] = [value]
    else:
        tree[last] = value


def changed(kind: str, values: Mapping[str, Any], op: str = "update") -> Event:
    """An event of a change of properties by their paths."""
    new = inputs(kind)
    for path, value in values.items():
        put(new, path, value)
    return a_step(op, RECORDED[kind]["name"], kind, inputs(kind), new)


def all_but(*kinds: str) -> list[Event]:
    """Everything that stays as it is."""
    return [
        a_step("same", one["name"], kind, inputs(kind), inputs(kind))
        for kind, one in RECORDED.items()
        if kind not in kinds
    ]


def around(event: Event) -> list[Event]:
    return [*all_but(event["resourcePreEvent"]["metadata"]["type"]), event]


def test_nothing_changes_and_the_policies_hold(build: Build) -> None:
    report = build(*all_but())
    assert verdict(report) == "Nothing changes."
    assert report.findings == report.undecided == ()


def another_image() -> Event:
    image = f"127.0.0.1:5000/sklearn-mnist-svc@sha256:{'d' * 64}"
    return changed(
        DEPLOYMENT,
        {
            f"{CONTAINER}.image": image,
            f"{CONTAINER}.env.0.value": "c" * 64,
            "spec.template.metadata.annotations.modelSha256": "c" * 64,
            "spec.template.metadata.annotations.modelVersion": "2",
        },
    )


def test_another_image_is_named_like_a_container_groups_and_rolls(build: Build) -> None:
    report = build(*around(another_image()))
    first, second = verdict(report).splitlines()
    assert first == "Another model: model `1` -> model `2`, accuracy not known."
    assert second == (
        "1 changed in place. Rolling, no downtime: each pod goes once its successor is ready."
    )
    assert report.endpoint is Endpoint.ROLLS
    (model,) = report.models
    assert model.old
    assert model.new
    assert model.new.sha256 == "c" * 64
    assert (
        model.old.sha256
        == inputs(DEPLOYMENT)["spec"]["template"]["metadata"]["annotations"]["modelSha256"]
    )
    (image,) = model.new.images
    assert image
    assert image.endswith("d" * 64)


@pytest.mark.parametrize(
    ("others", "reason"),
    [
        ([changed(DEPLOYMENT, {"spec.strategy": {"type": "Recreate"}})], "strategy Recreate"),
        (
            [changed(DEPLOYMENT, {"spec.strategy.rollingUpdate.maxUnavailable": 1})],
            "maxUnavailable 1",
        ),
        (
            [changed(DEPLOYMENT, {"spec.strategy.rollingUpdate.maxUnavailable": ABSENT})],
            "maxUnavailable 25%",
        ),
        (
            [changed(DEPLOYMENT, {f"{CONTAINER}.readinessProbe": ABSENT})],
            "not asked whether it is ready",
        ),
        (
            [changed(DEPLOYMENT, {"spec.strategy.rollingUpdate.maxUnavailable": "1%"})],
            "maxUnavailable 1%",
        ),
        ([changed(AUTOSCALER, {"spec.minReplicas": 1})], "there may be 1 pod alone"),
        ([changed(AUTOSCALER, {"spec.minReplicas": ABSENT})], "there may be 1 pod alone"),
        ([a_step("delete", "disruption-budget", BUDGET, inputs(BUDGET))], "no disruption budget"),
    ],
)
def test_a_roll_out_that_may_be_noticed_says_why(
    build: Build, others: list[Event], reason: str
) -> None:
    """Whatever is wrong comes with another description, which replaces the pods."""
    kinds = {one["resourcePreEvent"]["metadata"]["type"] for one in others}
    events = [*all_but(*kinds, DEPLOYMENT), *others]
    if DEPLOYMENT in kinds:
        (event,) = others
        put(event["resourcePreEvent"]["metadata"]["new"]["inputs"], f"{CONTAINER}.env.2.value", "x")
    else:
        events.append(changed(DEPLOYMENT, {f"{CONTAINER}.env.2.value": "x"}))
    report = build(*events)
    assert report.endpoint is Endpoint.GAPS
    assert reason in verdict(report)
    assert "no downtime" not in verdict(report)


@pytest.mark.parametrize("none", [0, "0", "0%"])
def test_a_roll_out_in_which_no_pod_may_be_away_is_not_noticed(build: Build, none: Any) -> None:
    strategy = {"spec.strategy.rollingUpdate.maxUnavailable": none, f"{CONTAINER}.env.2.value": "x"}
    assert build(*around(changed(DEPLOYMENT, strategy))).endpoint is Endpoint.ROLLS


def test_an_upgrade_of_the_nodes_that_may_be_noticed_says_every_reason(build: Build) -> None:
    events = [
        *all_but(MANAGED_CLUSTER, AUTOSCALER, BUDGET),
        changed(AUTOSCALER, {"spec.minReplicas": 1}),
        a_step("delete", "disruption-budget", BUDGET, inputs(BUDGET)),
        changed(MANAGED_CLUSTER, {"kubernetesVersion": "1.37"}),
    ]
    told = verdict(build(*events))
    assert (
        "requests may fail meanwhile: there may be 1 pod alone; "
        "no disruption budget keeps pods while nodes are drained."
    ) in told


@pytest.mark.parametrize(
    ("event", "endpoint"),
    [
        (a_step("create", "deployment", DEPLOYMENT, None, inputs(DEPLOYMENT)), Endpoint.STARTS),
        (a_step("create", "service", SERVICE, None, inputs(SERVICE)), Endpoint.UNTOUCHED),
        (a_step("create", "policy", NETWORK_POLICY, None, inputs(BUDGET)), Endpoint.UNTOUCHED),
        (a_step("delete", "policy", NETWORK_POLICY, inputs(NETWORK_POLICY)), Endpoint.UNTOUCHED),
        (a_step("delete", "deployment", DEPLOYMENT, inputs(DEPLOYMENT)), Endpoint.REMOVED),
        (a_step("delete", "namespace", NAMESPACE, inputs(NAMESPACE)), Endpoint.REMOVED),
    ],
)
def test_the_endpoint_comes_with_its_pods_and_goes_with_what_it_needs(
    build: Build, event: Event, endpoint: Endpoint
) -> None:
    assert build(*around(event)).endpoint is endpoint


def test_a_service_that_vanished_starts_the_endpoint_again(build: Build) -> None:
    event = a_step("create", "service", SERVICE, None, inputs(SERVICE))
    assert build(*around(event), before=["service"]).endpoint is Endpoint.STARTS


def test_what_replaces_no_pod_does_not_touch_the_endpoint(build: Build) -> None:
    for event in (
        changed(DEPLOYMENT, {"spec.progressDeadlineSeconds": 90}),
        changed(AUTOSCALER, {"spec.minReplicas": 3, "spec.maxReplicas": 9}),
        changed(MANAGED_CLUSTER, {"agentPoolProfiles.1.maxCount": 9}),
        changed(SERVICE, {"spec.externalTrafficPolicy": "Local"}),
        changed(NETWORK_POLICY, {"spec.podSelector.matchLabels": {"a": "b"}}),
        changed(BUDGET, {"spec.selector.matchLabels": {"a": "b"}}),
    ):
        assert build(*around(event)).endpoint is Endpoint.UNTOUCHED
    report = build(*around(changed(AUTOSCALER, {"spec.minReplicas": 3, "spec.maxReplicas": 9})))
    assert "`spec.minReplicas` `2` -> `3` on `autoscaler`" in verdict(report)


@pytest.mark.parametrize(
    ("event", "endpoint", "told"),
    [
        (
            changed(DEPLOYMENT, {"spec.selector": {'matchLabels': {'a': 'b'}}}, op='replace'),
            Endpoint.INTERRUPTED,
            "deployment is deleted before it is made anew",
        ),
        (
            changed(NAMESPACE, {"metadata.name": 'other'}, op='replace'),
            Endpoint.INTERRUPTED,
            "namespace is deleted before it is made anew",
        ),
        (
            changed(SERVICE, {"spec.clusterIP": '10.97.0.9'}, op='replace'),
            Endpoint.INTERRUPTED,
            "service is deleted before it is made anew",
        ),
        (
            changed(SERVICE, {"spec.selector": {'a': 'b'}}),
            Endpoint.INTERRUPTED,
            "its service leads to other pods",
        ),
        (
            changed(NETWORK_POLICY, {'spec.ingress.0.ports.0.port': 8080}),
            Endpoint.INTERRUPTED,
            "the old port is closed at once",
        ),
        (
            changed(MANAGED_CLUSTER, {"location": 'northeurope'}, op='replace'),
            Endpoint.INTERRUPTED,
            "the cluster is replaced",
        ),
        (
            changed(SERVICE, {'spec.ports.0.port': 8080}),
            Endpoint.MOVES,
            "**The URL changes**: port `5001` -> `8080`",
        ),
        (
            changed(SERVICE, {"spec.type": 'ClusterIP'}),
            Endpoint.MOVES,
            "**The URL changes**: way in `LoadBalancer` -> `ClusterIP`",
        ),
        (
            a_step("delete", "service", SERVICE, inputs(SERVICE)),
            Endpoint.REMOVED,
            "goes away for all callers",
        ),
        (
            a_step("delete", "gateway", GATEWAY, {"spec": {"listeners": []}}),
            Endpoint.MOVES,
            "callers need the new URL",
        ),
        (
            changed(MANAGED_CLUSTER, {"kubernetesVersion": '1.37'}),
            Endpoint.ROLLS,
            "its nodes are upgraded one after another",
        ),
    ],
)  # fmt: skip
def test_what_callers_notice(build: Build, event: Event, endpoint: Endpoint, told: str) -> None:
    report = build(*around(event))
    assert report.endpoint is endpoint
    assert told in verdict(report)


def test_another_dns_label_is_another_url(build: Build) -> None:
    new = inputs(SERVICE)
    (label,) = (each for each in new["metadata"]["annotations"] if "dns-label" in each)
    new["metadata"]["annotations"][label] = "digits"
    report = build(*around(a_step("update", "service", SERVICE, inputs(SERVICE), new)))
    assert report.endpoint is Endpoint.MOVES
    assert "**The URL changes**: host name `mnist-local-" in verdict(report)


def test_a_cluster_that_is_replaced_or_deleted_loses_all_that_runs_on_it(build: Build) -> None:
    for event in (
        changed(MANAGED_CLUSTER, {"location": "northeurope"}, op="replace"),
        a_step("delete", "cluster", MANAGED_CLUSTER, inputs(MANAGED_CLUSTER)),
    ):
        told = verdict(build(*around(event)))
        assert "**Destroyed for good: `cluster` with all that runs on it.**" in told


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"agentPoolProfiles.1.vmSize": "Standard_D8s_v5"}, "refuses to change vmSize of a pool"),
        ({"agentPoolProfiles.0.availabilityZones.3": "4"}, ""),
        ({"agentPoolProfiles.0.maxPods": 30}, "refuses to change maxPods of a pool"),
        ({"kubernetesVersion": "1.35"}, "no older version of Kubernetes"),
        ({"kubernetesVersion": "1.36.2"}, "no older version of Kubernetes"),
        ({"kubernetesVersion": "1.38"}, "one minor version at a time"),
        ({"kubernetesVersion": "1.37"}, ""),
        ({"kubernetesVersion": "1.36"}, ""),
        ({"agentPoolProfiles.1.maxCount": 9}, ""),
    ],
)
def test_what_aks_refuses_is_said_before_anything_is_touched(
    build: Build, values: dict[str, Any], why: str
) -> None:
    event = changed(MANAGED_CLUSTER, values)
    event["resourcePreEvent"]["metadata"]["old"]["inputs"]["kubernetesVersion"] = "1.36.3"
    report = build(*around(event))
    assert [why in one.why for one in report.obstacles] == ([True] if why else [])
    assert ("cannot finish" in verdict(report)) is bool(why)
    if "Kubernetes" in why or "minor" in why:
        (one,) = report.obstacles
        assert one.remedy == "set kubernetesVersion to 1.36, or to 1.37 at most"


def keyed(name: str, *variables: str) -> dict[str, Any]:
    """A Deployment that reads its keys from a Secret of this name."""
    found = inputs(DEPLOYMENT)
    for each in variables:
        reference = {"secretKeyRef": {"name": name, "key": each}}
        found["spec"]["template"]["spec"]["containers"][0]["env"].append(
            {"name": each, "valueFrom": reference}
        )
    return found


def a_secret(name: str, *keys: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "annotations": {"pulumi.com/autonamed": "true"}},
        "stringData": {each: copy.deepcopy(BLIND) for each in keys},
    }


KEYS = ("SCORING_KEY", "SCORING_KEY_SECONDARY")


@pytest.mark.parametrize(
    ("before", "after", "moved", "expected"),
    [
        ((), KEYS[:1], (), KeyChange.SET),
        (KEYS[:1], (), (), KeyChange.REMOVED),
        (KEYS[:1], KEYS[:1], ("SCORING_KEY",), KeyChange.CHANGED),
        (KEYS[:1], KEYS, (), KeyChange.NONE),
        (KEYS, KEYS, ("SCORING_KEY_SECONDARY",), KeyChange.NONE),
    ],
)
def test_the_key_that_callers_send_is_told_from_the_second_one(
    build: Build,
    before: tuple[str, ...],
    after: tuple[str, ...],
    moved: tuple[str, ...],
    expected: KeyChange,
) -> None:
    """The Secret is another object where any of its keys changes, and the pods name it."""
    events = [
        *all_but(DEPLOYMENT),
        a_step("update", "deployment", DEPLOYMENT, keyed("key-1", *before), keyed("key-2", *after)),
    ]
    if before and after:
        diff = {f"data.{each}": "update-replace" for each in moved}
        old, new = a_secret("key-1", *before), a_secret("key-2", *after)
        events.append(a_step("replace", "key", SECRET, old, new, diff, keys=list(diff)))
    else:
        op, name = ("create", "key-2") if after else ("delete", "key-1")
        sides = [a_secret(name, *(before or after))]
        events.append(a_step(op, "key", SECRET, *([None, *sides] if after else sides)))
    report = build(*events)
    assert report.key is expected
    assert report.endpoint is Endpoint.ROLLS
    told = verdict(report)
    assert ("the key is changed" in told.lower()) is (expected is KeyChange.CHANGED)
    assert [one.rule for one in report.mandatory] == (
        ["endpoint-keeps-its-key"] if expected is KeyChange.REMOVED else []
    )
    assert "secretKeyRef.name" not in told
    assert "`data.SCORING_KEY`" not in told


def test_a_name_that_every_preview_invents_anew_is_the_same_review(build: Build) -> None:
    """What was reviewed is compared with a second preview right before the update."""
    told = []
    for name in ("key-a813bbb5", "key-c17f9571"):
        diff = {"data.SCORING_KEY": "update-replace"}
        old, new = a_secret("key-1", "SCORING_KEY"), a_secret(name, "SCORING_KEY")
        told.append(
            build(
                *all_but(DEPLOYMENT),
                a_step("replace", "key", SECRET, old, new, diff, keys=list(diff)),
                a_step(
                    "update",
                    "deployment",
                    DEPLOYMENT,
                    keyed("key-1", "SCORING_KEY"),
                    keyed(name, "SCORING_KEY"),
                ),
                key=b"of the stack",
            )
        )
    first, second = told
    assert expectation.moved(expectation.Review.model_validate_json(document(first)), second) == []
    assert first.key is KeyChange.CHANGED
    rows = {row.path: row.after for change in first.changes for row in change.rows}
    assert rows["spec.template.spec.containers[0].env[3].valueFrom.secretKeyRef.name"] == LATER


def gone() -> list[Event]:
    return [a_step("delete", one["name"], kind, inputs(kind)) for kind, one in RECORDED.items()]


def test_from_kubernetes_to_a_container_group_is_one_move(build: Build) -> None:
    model = inputs(DEPLOYMENT)["spec"]["template"]["metadata"]["annotations"]["modelSha256"]
    group = a_group(model=model)
    report = build(*gone(), a_step("create", "scoring-group", CONTAINER_GROUP, None, group))
    told = verdict(report)
    assert told.startswith("**The service moves from `aks` to `aci`**; ")
    assert "first deployment" not in told
    assert "callers need the new URL" in told
    assert "**Destroyed for good: `cluster` with all that runs on it.**" in told


def test_from_a_container_group_to_kubernetes_with_another_model_says_both(build: Build) -> None:
    made = [
        a_step("create", one["name"], kind, None, inputs(kind)) for kind, one in RECORDED.items()
    ]
    report = build(a_step("delete", "scoring-group", CONTAINER_GROUP, a_group()), *made)
    told = verdict(report)
    assert told.startswith("**The service moves from `aci` to `aks`**, with another model: ")
    assert report.endpoint is Endpoint.MOVES
    assert report.key is KeyChange.REMOVED, "the group asked for a key, and the pods do not"


def test_secrets_and_the_kubeconfig_stay_hidden(build: Build) -> None:
    plain = {"SCORING_KEY": "hunter2-hunter2-hunter2"}
    old, new = (
        {**a_secret("key", "SCORING_KEY"), "data": plain, "stringData": plain} for _ in "ab"
    )
    provider = "pulumi:providers:kubernetes"
    settings = {"kubeconfig": "apiVersion: v1\nusers: [{user: {token: abcdefgh}}]"}
    report = build(
        *all_but(),
        a_step("replace", "key", SECRET, old, {**new, "stringData": {"SCORING_KEY": "another"}}),
        a_step("update", "kubernetes", provider, {"kubeconfig": "x"}, settings),
    )
    for change in report.changes:
        shown = json.dumps([(row.before, row.after) for row in change.rows])
        for each in ("hunter2", "another", "token", "abcdefgh"):
            assert each not in shown
