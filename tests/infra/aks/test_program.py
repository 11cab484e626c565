"""Invariants of the target `aks`: the same service, replicas that are rolled, a cluster of its own.

- Without `kubeconfig` there is a cluster; with it, nothing of one is declared.
- A roll-out takes nothing away, and how many pods there are is the autoscaler's business.
- What Pulumi declares it takes back from whoever changed it, and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from infra.aks.settings import KEYS
from infra.azure_facts import AUTOSCALER, DEPLOYMENT
from infra.policy.evaluate import evaluate
from infra.policy.resource import Resource
from infra.preview import events
from tests.infra.aks.test_settings import KUBECONFIG
from tests.infra.test_program import KEYS as SCORING_KEYS
from tests.infra.test_program import NAMES, SERVICE, as_reviewed
from tests.support import kubernetes_sdk

Run = Callable[..., Any]
AKS = {**SERVICE, "target": "aks"}
KEYED = {**AKS, "scoringKey": "correct-horse-battery-staple"}
GATEWAY = {"hostname": "digits.example.com", "gatewayClass": "azure-alb-external"}
OF_A_CLUSTER = "azure-native:containerservice:ManagedCluster"
PATCH_FORCE = "pulumi.com/patchForce"

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(autouse=True, scope="module")
def sdk() -> None:
    kubernetes_sdk.use()


def container(recorded: Any) -> dict[str, Any]:
    (found,) = recorded.object("apps/v1:Deployment")["spec"]["template"]["spec"]["containers"]
    return found


def variables(recorded: Any) -> dict[str, Any]:
    return {each["name"]: each.get("value") for each in container(recorded)["env"]}


def pool(recorded: Any, name: str = "scoring") -> dict[str, Any]:
    pools = recorded.one("containerservice:ManagedCluster")["agentPoolProfiles"]
    (found,) = [each for each in pools if each["name"] == name]
    return found


REACHED: dict[str, tuple[str, Callable[[Any], Any], Any]] = {
    "minReplicas": ("3", lambda it: it.object("autoscaling/v2:HorizontalPodAutoscaler")["spec"]
        ["minReplicas"], 3),
    "maxReplicas": ("7", lambda it: it.object("autoscaling/v2:HorizontalPodAutoscaler")["spec"]
        ["maxReplicas"], 7),
    "cpuTarget": ("45", lambda it: it.object("autoscaling/v2:HorizontalPodAutoscaler")["spec"]
        ["metrics"][0]["resource"]["target"], {"type": "Utilization", "averageUtilization": 45}),
    "rolloutSeconds": ("90", lambda it: (
        it.object("apps/v1:Deployment")["spec"]["progressDeadlineSeconds"],
        it.object("apps/v1:Deployment")["metadata"]["annotations"]["pulumi.com/timeoutSeconds"],
    ), (90, "90")),
    "nodeSize": ("Standard_D8s_v5", lambda it: (
        pool(it)["vmSize"], pool(it, "system")["vmSize"]
    ), ("Standard_D8s_v5", "Standard_D8s_v5")),
    "minNodes": ("3", lambda it: (pool(it)["minCount"], pool(it)["count"]), (3, 3)),
    "maxNodes": ("9", lambda it: pool(it)["maxCount"], 9),
    "kubernetesVersion": ("1.36", lambda it: it.one("containerservice:ManagedCluster")
        ["kubernetesVersion"], "1.36"),
    "cpu": ("1.5", lambda it: container(it)["resources"]["limits"]["cpu"], "1.5"),
    "memoryGb": ("1.5", lambda it: container(it)["resources"]["requests"]["memory"], "1500M"),
    "dnsLabel": ("digits", lambda it: it.object("core/v1:Service")["metadata"]["annotations"]
        ["service.beta.kubernetes.io/azure-dns-label-name"], "digits"),
    "description": ("Zahlen", lambda it: variables(it)["SERVICE_DESCRIPTION"], "Zahlen"),
    "modelVersion": ("v1.2", lambda it: it.object("apps/v1:Deployment")["spec"]["template"]
        ["metadata"]["annotations"]["modelVersion"], "v1.2"),
    "tags": ('{"team": "ml"}', lambda it: (
        it.one("containerservice:ManagedCluster")["tags"]["team"],
        json.loads(it.object("apps/v1:Deployment")["metadata"]["annotations"]
            ["sklearn-mnist-svc/tags"])["team"],
    ), ("ml", "ml")),
}  # fmt: skip


def test_all_that_a_cluster_of_its_own_declares_is_as_it_was_reviewed(run: Run) -> None:
    """A deployed stack changes with every property."""
    recorded = run({**AKS, **SCORING_KEYS, "tags": {"team": "ml"}}, secrets=tuple(SCORING_KEYS))
    as_reviewed(recorded, "cluster.json")


def test_all_that_a_service_behind_a_gateway_declares_is_as_it_was_reviewed(run: Run) -> None:
    config = {**AKS, **GATEWAY, "kubeconfig": KUBECONFIG}
    as_reviewed(run(config, secrets=("kubeconfig",)), "gateway.json")


def test_every_setting_reaches_its_resource(run: Run) -> None:
    recorded = run({**AKS, **{key: value for key, (value, _, _) in REACHED.items()}})
    found = {key: where(recorded) for key, (_, where, _) in REACHED.items()}
    assert found == {key: reached for key, (_, _, reached) in REACHED.items()}
    elsewhere = {"hostname", "gatewayClass", "kubeconfig"}
    assert set(KEYS) - set(REACHED) == elsewhere, "a setting that no test here gives a value"


def test_a_port_reaches_everything_that_leads_to_it(run: Run) -> None:
    recorded = run({**AKS, "port": "8080"})
    (port,) = recorded.object("core/v1:Service")["spec"]["ports"]
    assert (port["port"], port["targetPort"]) == (8080, "http")
    assert container(recorded)["ports"][0]["containerPort"] == 8080
    assert variables(recorded)["SCORING_PORT"] == "8080"
    (rule,) = recorded.object("networking.k8s.io/v1:NetworkPolicy")["spec"]["ingress"]
    assert rule["ports"] == [{"port": 8080, "protocol": "TCP"}]
    assert recorded.outputs["scoring_uri"] == "http://192.0.2.1:8080/score"


LOAD_BALANCER = "kubernetes:core/v1:Service"


@pytest.mark.parametrize(
    ("ingress", "host"),
    [
        ([{"ip": "192.0.2.9"}, {"ip": "192.0.2.8"}], "192.0.2.9"),
        ([{"hostname": "lb.example", "ip": "192.0.2.9"}], "lb.example"),
        ([{"hostname": "", "ip": "192.0.2.9"}], "192.0.2.9"),
    ],
)
def test_the_service_is_where_the_load_balancer_says(
    run: Run, ingress: list[dict[str, str]], host: str
) -> None:
    given = {LOAD_BALANCER: {"status": {"loadBalancer": {"ingress": ingress}}}}
    outputs = run(AKS, given=given).outputs
    assert (outputs["fqdn"], outputs["scoring_uri"]) == (host, f"http://{host}:5001/score")


@pytest.mark.parametrize("balancer", [None, {}, {"ingress": []}, {"ingress": [{}]}])
def test_a_service_that_got_no_address_fails_the_update(run: Run, balancer: Any) -> None:
    given = {LOAD_BALANCER: {"status": {"loadBalancer": balancer}}}
    with pytest.raises(pulumi.RunError, match="the load balancer gave the service no address"):
        run(AKS, given=given)


@pytest.mark.parametrize("kubeconfigs", [None, []])
def test_who_may_not_read_the_kubeconfig_is_told_the_role(run: Run, kubeconfigs: Any) -> None:
    function = "azure-native:containerservice:listManagedClusterUserCredentials"
    with pytest.raises(pulumi.RunError, match="Azure Kubernetes Service Cluster User Role"):
        run({"target": "aks"}, given={function: {"kubeconfigs": kubeconfigs}})


def test_a_hostname_is_served_by_a_gateway_and_nothing_else_faces_the_internet(run: Run) -> None:
    recorded = run({**AKS, **GATEWAY})
    service = recorded.object("core/v1:Service")
    assert service["spec"]["type"] == "ClusterIP"
    assert "service.beta.kubernetes.io/azure-dns-label-name" not in service["metadata"].get(
        "annotations", {}
    )
    gateway = recorded.object("gateway.networking.k8s.io/v1:Gateway")["spec"]
    assert gateway["gatewayClassName"] == GATEWAY["gatewayClass"]
    (listener,) = gateway["listeners"]
    assert listener["hostname"] == GATEWAY["hostname"]
    assert listener["tls"]["mode"] == "Terminate"
    route = recorded.object("gateway.networking.k8s.io/v1:HTTPRoute")["spec"]
    assert route["hostnames"] == [GATEWAY["hostname"]]
    assert route["rules"] == [{"backendRefs": [{"name": "sklearn-mnist-svc", "port": 5001}]}]
    assert recorded.outputs["scoring_uri"] == "https://digits.example.com/score"


def test_a_cluster_that_exists_is_used_and_none_is_declared(run: Run) -> None:
    recorded = run({**AKS, "kubeconfig": KUBECONFIG}, secrets=("kubeconfig",))
    assert OF_A_CLUSTER not in recorded.inputs
    assert "cluster" not in recorded.outputs
    assert recorded.object("apps/v1:Deployment")["metadata"]["namespace"] == "sklearn-mnist-svc"


def test_without_an_image_there_is_a_cluster_and_nothing_on_it(run: Run) -> None:
    recorded = run({"target": "aks", "minReplicas": "8", "minNodes": "8"})
    assert OF_A_CLUSTER in recorded.inputs
    assert "scoring_uri" not in recorded.outputs
    assert [token for token in recorded.inputs if token.startswith("kubernetes:")] == []


def test_a_cluster_has_no_password_and_names_its_identities(run: Run) -> None:
    cluster = run(AKS).one("containerservice:ManagedCluster")
    assert cluster["resourceName"] == NAMES.cluster
    assert cluster["disableLocalAccounts"] is True
    assert cluster["aadProfile"] == {"managed": True, "enableAzureRBAC": True}
    assert cluster["identity"]["userAssignedIdentities"] == ["/id/cluster-identity"]
    assert cluster["identityProfile"]["kubeletidentity"]["resourceId"] == "/id/pull-identity"
    assert {each["name"]: each["enableAutoScaling"] for each in cluster["agentPoolProfiles"]} == {
        "system": True,
        "scoring": True,
    }


def test_the_image_and_the_model_are_the_declared_ones(run: Run) -> None:
    recorded = run(AKS)
    assert container(recorded)["image"] == SERVICE["image"]
    assert variables(recorded)["MODEL_SHA256"] == SERVICE["modelSha256"]
    annotations = recorded.object("apps/v1:Deployment")["spec"]["template"]["metadata"]
    named = {"data": "MNIST", "method": "sklearn", "modelSha256": "b" * 64, "modelVersion": "7"}
    assert annotations["annotations"] == named


def test_the_keys_are_in_a_secret_that_never_changes_and_the_pod_names_it(run: Run) -> None:
    recorded = run(KEYED, secrets=("scoringKey",))
    secret = recorded.object("core/v1:Secret")
    assert secret["immutable"] is True
    assert "name" not in secret["metadata"], "new keys need an object of another name"
    text = json.dumps(recorded.object("apps/v1:Deployment"))
    assert KEYED["scoringKey"] not in text
    (variable,) = [one for one in container(recorded)["env"] if one["name"] == "SCORING_KEY"]
    assert "value" not in variable
    assert variable["valueFrom"]["secretKeyRef"]["key"] == "SCORING_KEY"
    assert "kubernetes:core/v1:Secret" not in run(AKS).inputs


def test_a_roll_out_takes_nothing_away_and_the_policies_hold(run: Run) -> None:
    recorded = run(KEYED, secrets=("scoringKey",))
    spec = recorded.object("apps/v1:Deployment")["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    budget = recorded.object("policy/v1:PodDisruptionBudget")["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"] == spec["selector"]
    assert spec["template"]["spec"]["enableServiceLinks"] is False
    assert container(recorded)["lifecycle"]["preStop"]["sleep"]["seconds"] > 0
    network = recorded.object("networking.k8s.io/v1:NetworkPolicy")["spec"]
    assert sorted(network["policyTypes"]) == ["Egress", "Ingress"]
    assert not network.get("egress")
    for token in (DEPLOYMENT, AUTOSCALER):
        inputs = events.value(recorded.object(token.partition(":")[2]))
        assert list(evaluate(Resource(token, inputs))) == []


def test_how_many_pods_and_nodes_there_are_is_left_to_the_autoscalers(run: Run) -> None:
    recorded = run(AKS)
    (deployment,) = recorded.requests[DEPLOYMENT]
    assert list(deployment.ignoreChanges) == ["spec.replicas"]
    (cluster,) = recorded.requests[OF_A_CLUSTER]
    assert list(cluster.ignoreChanges) == ["agentPoolProfiles[*].count"]


def test_what_somebody_changed_by_hand_is_taken_back_and_no_conflict(run: Run) -> None:
    """Without it, server-side apply refuses what `kubectl set image` or `kubectl edit` touched."""
    recorded = run({**KEYED, **GATEWAY}, secrets=("scoringKey",))
    objects = {
        token: inputs for token, inputs in recorded.inputs.items() if token.startswith("kubernetes")
    }
    assert len(objects) == 9
    for token, (inputs,) in objects.items():
        assert inputs["metadata"]["annotations"][PATCH_FORCE] == "true", token
