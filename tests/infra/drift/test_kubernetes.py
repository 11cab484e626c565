"""A stack on Kubernetes: what kubectl did, on events as the real engine wrote them."""

from __future__ import annotations

import base64
import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from infra.azure_facts import DEPLOYMENT, MANAGED_CLUSTER, SECRET, SERVICE
from infra.disclosure.mask import Mask
from infra.drift import actual, by_hand, cloud, comparison, false_drift, repair, serving
from infra.drift.actual import Actual
from infra.drift.cloud import Told
from infra.drift.errors import DriftError
from infra.drift.finding import Finding, Kind, Question, Severity
from infra.drift.sample import Sample
from infra.drift.stack import Stack
from infra.preview.command import Preview
from infra.preview.events import SECRET_SIGNATURE, SIGNATURE
from infra.preview.paths import MISSING, Difference
from infra.preview.secret_lists import Opened
from tests.support.told_azure import Told as Azure

EVENTS = Path(__file__).with_name("recorded").joinpath("aks.jsonl").read_text()
"""`pulumi preview --refresh` after kubectl put a container before the declared one, opened the
node's network, set other resources, another traffic policy, and more replicas."""

UNREACHABLE = (
    "error: Preview failed: failed to read resource state due to unreachable cluster. If the "
    "cluster was deleted, rerun with PULUMI_K8S_DELETE_UNREACHABLE"
)
MASK = Mask()
POD = "spec.template.spec"
ID = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.ContainerService/managedClusters/aks"


def told(text: str = EVENTS) -> Told:
    return cloud.part(Preview(text, Opened()), Opened())


def set_by_hand(found: Told | None = None) -> list[Finding]:
    found = found or told()
    return list(by_hand.find(found.program, found.answers, MASK))


def a_stack(*more: dict[str, Any]) -> Stack:
    urns = {step.name: step for step in told().program.steps}
    resources = [
        {"urn": "c", "type": MANAGED_CLUSTER, "id": ID, "custom": True},
        *(
            {"urn": step.urn, "type": step.type, "id": "ns/svc", "custom": True}
            for step in urns.values()
        ),
        *more,
    ]
    return Stack("dev", Path(), {"deployment": {"resources": resources}})


def events_with(**values: Any) -> str:
    """The events with other members of what the Deployment's refresh read."""
    lines = []
    for line in EVENTS.splitlines():
        event = json.loads(line)
        metadata = event.get("resOutputsEvent", {}).get("metadata", {})
        if metadata.get("type") == DEPLOYMENT:
            metadata["new"]["outputs"] |= values
        lines.append(json.dumps(event))
    return "\n".join(lines)


def test_a_container_in_front_is_not_the_declared_one_with_everything_changed() -> None:
    found = {
        (one.path, one.label, one.declared, one.actual)
        for one in comparison.of_cloud(told().cloud, MASK)
    }
    where = f"{POD}.containers[0].resources"
    assert found == {
        (f"{where}.limits.cpu", "scoring", '"1"', '"2"'),
        (f"{where}.requests.cpu", "scoring", '"1"', "500m"),
    }
    assert list(comparison.of_program(told().program, MASK)) == []


def test_what_nothing_declares_is_told_by_who_set_it() -> None:
    found = {one.path: one for one in set_by_hand()}
    assert set(found) == {
        f"{POD}.hostNetwork",
        f"{POD}.containers[0]",
        "spec.externalTrafficPolicy",
    }
    network = found[f"{POD}.hostNetwork"]
    assert (network.kind, network.severity) == (Kind.UNEXPECTED, Severity.CRITICAL)
    assert network.reason == "breaks the policy pod-without-privilege"
    assert found[f"{POD}.containers[0]"].severity is Severity.CRITICAL
    policy = found["spec.externalTrafficPolicy"]
    assert (policy.severity, policy.actual) == (Severity.MAJOR, "Local")
    assert policy.reason.startswith("kubectl-patch set it and nothing declares it")


@pytest.mark.parametrize(
    ("manager", "fields", "live", "path"),
    [
        ("kubectl-edit", {"f:paused": {}}, {"paused": True}, "spec.paused"),
        ("kubectl-edit", {"f:paused": {}}, {}, ""),
        ("pulumi-kubernetes-1a2b", {"f:paused": {}}, {"paused": True}, ""),
        ("kubectl-edit", {"f:replicas": {}}, {"replicas": 9}, ""),
        (
            "kubectl-rollout",
            {"f:template": {"f:metadata": {"f:annotations": {
                "f:kubectl.kubernetes.io/restartedAt": {}}}}},
            {"template": {"metadata": {"annotations": {
                "kubectl.kubernetes.io/restartedAt": "now"}}}},
            "",
        ),
        (
            "kubectl-edit",
            {"f:template": {"f:spec": {"f:dnsPolicy": {}}}},
            {"template": {"spec": {"dnsPolicy": "ClusterFirst"}}},
            "",
        ),
    ],
)  # fmt: skip
def test_only_what_somebody_else_set_and_is_no_default_is_told(
    manager: str, fields: dict[str, Any], live: dict[str, Any], path: str
) -> None:
    metadata = {"managedFields": [{"manager": manager, "fieldsV1": {"f:spec": fields}}]}
    found = set_by_hand(told(events_with(metadata=metadata, spec=live)))
    assert [one.path for one in found if "traffic" not in one.path.lower()] == [path][: bool(path)]


def test_what_a_controller_sets_by_its_own_interface_is_not_asked_for() -> None:
    entry = {"manager": "any", "subresource": "scale", "fieldsV1": {"f:spec": {"f:paused": {}}}}
    text = events_with(metadata={"managedFields": [entry]}, spec={"paused": True})
    assert [one.path for one in set_by_hand(told(text))] == ["spec.externalTrafficPolicy"]


def test_what_autoscalers_and_upgrades_change_is_no_drift() -> None:
    for kind, path, old, new in (
        (DEPLOYMENT, ("spec", "replicas"), 2, 5),
        (MANAGED_CLUSTER, ("agentPoolProfiles", 1, "count"), 2, 4),
        (MANAGED_CLUSTER, ("kubernetesVersion",), "1.36", "1.36.4"),
    ):
        assert false_drift.without(kind, [Difference(path, old, new)]) == []
    for kind, path, old, new in (
        (SERVICE, ("spec", "replicas"), 2, 5),
        (MANAGED_CLUSTER, ("agentPoolProfiles", 1, "maxCount"), 2, 4),
        (MANAGED_CLUSTER, ("kubernetesVersion",), "1.3", "1.36"),
        (DEPLOYMENT, ("spec", "minReadySeconds"), 2, MISSING),
    ):
        assert len(false_drift.without(kind, [Difference(path, old, new)])) == 1


def test_the_printed_commands_take_off_and_then_update() -> None:
    findings = [*comparison.of_cloud(told().cloud, MASK), *set_by_hand()]
    lines = repair.script(repair.of(a_stack(), findings)).splitlines()
    assert lines[0] == (
        "# sign kubectl in first: az aks get-credentials --resource-group rg --name aks"
    )
    patches = {shlex.split(line)[2]: shlex.split(line) for line in lines if "kubectl patch" in line}
    assert set(patches) == {"deployment/svc", "service/svc"}
    words = patches["deployment/svc"]
    assert words[3:6] == ["--namespace", "ns", "--type=json"]
    assert {one["path"] for one in json.loads(words[6].removeprefix("--patch="))} == {
        "/spec/template/spec/hostNetwork",
        "/spec/template/spec/containers/0",
    }
    assert lines[-1].startswith("pulumi up --refresh --target ")
    assert lines[-1].count("--target") == 1, "the service is as declared, but for what is taken off"


def test_elements_are_taken_off_from_the_last_to_the_first() -> None:
    """Each removal moves what stands behind it."""
    urn = next(step.urn for step in told().program.steps if step.type == DEPLOYMENT)
    one = set_by_hand()[0]
    base = {**one.__dict__, "urn": urn}
    found = [Finding(**{**base, "default": f"/spec/l/{index}"}) for index in (2, 10, 1)]
    (line,) = [each for each in repair.of(a_stack(), found) if "kubectl patch" in each.command]
    patch = json.loads(shlex.split(line.command)[-1].removeprefix("--patch="))
    assert [each["path"] for each in patch] == ["/spec/l/10", "/spec/l/2", "/spec/l/1"]


def test_pods_that_run_as_declared_and_answer_wrong_are_replaced_one_by_one() -> None:
    wrong = serving.endpoint.finding("answers", "10", "0", Severity.CRITICAL)
    assert repair.of(a_stack(), [wrong])[1:] == (
        repair.Repair("see why: kubectl describe pods --namespace ns"),
        repair.Repair(
            "replace the pods, one after another",
            "kubectl rollout restart deployment/svc --namespace ns",
        ),
    )


def test_the_pods_are_where_the_service_says() -> None:
    stack = a_stack()
    assert stack.deployment
    found = actual.read(Azure(), stack, lambda: Preview(EVENTS, Opened()))
    assert found
    assert found.state == "Running"
    assert found.host.startswith("127.")
    status = {"readyReplicas": 0, "conditions": [
        {"type": "Progressing", "status": "False", "message": "exceeded its deadline"},
        {"type": "Available", "status": "True"},
    ]}  # fmt: skip
    text = events_with(status=status, spec={"replicas": 2})
    found = actual.pods(Preview(text, Opened()), stack.deployment)
    assert found
    assert (found.state, found.stuck) == ("0 of 2 pods are ready", "exceeded its deadline")
    sample = Sample(rows=[[0]], answers=[1])
    state = {"type": "pulumi:pulumi:Stack", "urn": "s", "outputs": {
        "scoring_uri": "http://127.0.0.1:9/score", "model_sha256": "a" * 64}}  # fmt: skip
    served = serving.ask(a_stack(state), lambda: found, sample, MASK)
    assert served.now == "The endpoint does not answer: no pod is ready."
    assert [one.actual for one in served.findings] == ["0 of 2 pods are ready"]


@pytest.mark.parametrize(
    ("status", "spec", "state", "stuck"),
    [
        ({"readyReplicas": 1}, {"replicas": 3}, "Running", ""),
        ({"readyReplicas": None}, {"replicas": 3}, "0 of 3 pods are ready", ""),
        (None, None, "0 of 1 pods are ready", ""),
        ({}, {}, "0 of 1 pods are ready", ""),
        (
            {"conditions": [
                {"type": "Progressing", "status": "False", "reason": "DeadlineExceeded"},
                {"type": "Progressing", "status": "False", "message": "late", "reason": "x"},
                {"type": "Progressing", "status": "True", "message": "fine"},
                {"type": "ReplicaFailure", "status": "False", "message": "fine"},
            ]},
            {"replicas": 2},
            "0 of 2 pods are ready",
            "DeadlineExceeded; late",
        ),
    ],
)  # fmt: skip
def test_a_deployment_runs_when_a_pod_is_ready_and_says_why_a_new_one_is_not(
    status: Any, spec: Any, state: str, stuck: str
) -> None:
    found = actual.of_pods({"status": status, "spec": spec}, {})
    assert found == Actual("", state, [], "no pod is ready", stuck)


@pytest.mark.parametrize(
    ("ingress", "host"),
    [
        ([{"ip": "192.0.2.1"}], "192.0.2.1"),
        ([{"ip": "192.0.2.1", "hostname": "lb.example"}, {"ip": "192.0.2.2"}], "lb.example"),
        ([{}], ""),
        ([], ""),
        (None, ""),
    ],
)
def test_the_address_is_the_load_balancers(ingress: Any, host: str) -> None:
    assert actual.of_pods({}, {"status": {"loadBalancer": {"ingress": ingress}}}).host == host
    assert actual.of_pods({}, {"status": {"loadBalancer": None}}).host == ""
    assert actual.of_pods({}, {"status": None}).host == ""


def test_whoever_wrote_the_whole_object_set_only_what_is_no_default() -> None:
    """`kubectl replace` is then the manager of every field that the API server filled in."""
    lines = []
    for line in EVENTS.splitlines():
        event = json.loads(line)
        metadata = event.get("resOutputsEvent", {}).get("metadata", {})
        if metadata.get("type") in {SERVICE, DEPLOYMENT}:
            outputs = metadata["new"]["outputs"]
            spec = {f"f:{name}": {} for name in outputs["spec"] if name != "template"}
            if "template" in outputs["spec"]:
                pod = {f"f:{name}": {} for name in outputs["spec"]["template"]["spec"]}
                spec["f:template"] = {"f:spec": pod}
            fields = {"manager": "kubectl-replace", "fieldsV1": {"f:spec": spec}}
            outputs["metadata"]["managedFields"] = [fields]
        lines.append(json.dumps(event))
    found = {one.path for one in set_by_hand(told("\n".join(lines)))}
    assert found == {
        "spec.clusterIP",
        "spec.clusterIPs",
        "spec.externalTrafficPolicy",
        "spec.healthCheckNodePort",
        "spec.ipFamilies",
        f"{POD}.hostNetwork",
    }


def test_a_deployment_that_is_gone_is_missing_and_one_that_was_not_read_breaks_the_check() -> None:
    stack = a_stack()
    assert stack.deployment
    lines = [json.loads(line) for line in EVENTS.splitlines()]
    for event in lines:
        metadata = event.get("resOutputsEvent", {}).get("metadata", {})
        if metadata.get("type") == DEPLOYMENT:
            metadata["new"] = None
    gone = "\n".join(map(json.dumps, lines))
    assert actual.pods(Preview(gone, Opened()), stack.deployment) is None
    (missing,) = [
        one for one in comparison.of_cloud(told(gone).cloud, MASK) if one.kind is Kind.MISSING
    ]
    assert (missing.resource, missing.severity) == ("deployment", Severity.CRITICAL)
    unread = [each for each in lines if DEPLOYMENT not in json.dumps(each)]
    said = {"severity": "error", "urn": "u", "message": UNREACHABLE}
    text = "\n".join(map(json.dumps, [*unread, {"diagnosticEvent": said}]))
    with pytest.raises(DriftError, match="the cluster was not reached: failed to read") as it:
        actual.pods(Preview(text, Opened()), stack.deployment)
    assert "DELETE_UNREACHABLE" not in str(it.value)
    assert str(it.value).endswith("is it stopped, or closed to this machine?")


@pytest.mark.parametrize(
    ("said", "why"),
    [("error: Preview failed: no route to host", "no route to host"), ("", "it said nothing")],
)
def test_what_pulumi_said_of_a_cluster_that_was_not_read_is_told(said: str, why: str) -> None:
    stack = a_stack()
    assert stack.deployment
    event = {"diagnosticEvent": {"severity": "error", "urn": "u", "message": said}}
    text = json.dumps(event) if said else ""
    with pytest.raises(DriftError) as raised:
        actual.pods(Preview(text, Opened()), stack.deployment)
    assert str(raised.value) == (
        f"the cluster was not reached: {why}; is it stopped, or closed to this machine?"
    )


def test_a_deployment_whose_service_is_gone_runs_and_has_no_address() -> None:
    stack = a_stack()
    assert stack.deployment
    left = "\n".join(line for line in EVENTS.splitlines() if SERVICE not in line)
    found = actual.pods(Preview(left, Opened()), stack.deployment)
    assert found
    assert (found.host, found.state) == ("", "Running")


def test_the_deployed_key_is_read_from_the_secret_of_the_state() -> None:
    text = json.dumps({"SCORING_KEY": base64.b64encode(b"the-first-door-key").decode()})
    wire = {SIGNATURE: SECRET_SIGNATURE, "plaintext": text}
    secret = {"urn": "k", "type": SECRET, "id": "ns/key", "custom": True, "inputs": {"data": wire}}
    assert a_stack(secret).secure_variable("SCORING_KEY") == "the-first-door-key"
    assert a_stack(secret).secure_variable("SCORING_KEY_SECONDARY") == ""
    assert a_stack().secure_variable("SCORING_KEY") == ""
    assert Question.CLOUD in {one.question for one in set_by_hand()}


def test_an_https_address_without_a_port_is_asked_at_443() -> None:
    assert serving._base("https://digits.example.com/score", "h") == "https://h:443"
    assert serving._base("http://digits.example.com/score", "h") == "http://h:80"
    assert serving._base("http://digits.example.com:5001/score", "h") == "http://h:5001"
