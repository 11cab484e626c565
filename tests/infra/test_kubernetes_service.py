"""What the program declares for the target aks; `make test-aks` has its SDK installed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.infra.test_kubernetes_settings import AKS, KUBECONFIG
from tests.infra.test_settings import IMAGE, SERVICE

pytestmark = pytest.mark.aks

Run = Callable[..., Any]
SERVING = {**AKS, **SERVICE}


@pytest.fixture(autouse=True)
def sdk() -> None:
    pytest.importorskip("pulumi_kubernetes")


def declared(run: Run, config: dict[str, str], secrets: tuple[str, ...] = ()) -> Any:
    return run({**SERVING, **config}, secrets=secrets)


def one(recorded: Any, token: str) -> dict[str, Any]:
    (found,) = recorded.inputs[token]
    return found


def test_a_stack_without_an_image_has_a_cluster_and_nothing_on_it(run: Run) -> None:
    recorded = run({**AKS, "minReplicas": "8", "minNodes": "8"})
    assert recorded.one("containerservice:ManagedCluster")
    assert [each for each in recorded.inputs if each.startswith("kubernetes:")] == []
    assert "scoring_uri" not in recorded.outputs


def test_the_last_good_version_serves_until_a_new_one_is_ready(run: Run) -> None:
    spec = one(declared(run, {"minReplicas": "3"}), "kubernetes:apps/v1:Deployment")["spec"]
    assert spec["replicas"] == 3
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    pod = spec["template"]["spec"]
    assert pod["enableServiceLinks"] is False
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    (container,) = pod["containers"]
    assert container["image"] == IMAGE
    assert container["resources"]["limits"] == container["resources"]["requests"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["port"] == "http"
    assert container["lifecycle"]["preStop"]["sleep"]["seconds"] > 0
    assert {"name": "MODEL_SHA256", "value": "b" * 64} in container["env"]


def test_the_autoscaler_and_the_budget_are_of_the_pods(run: Run) -> None:
    recorded = declared(run, {"minReplicas": "3", "maxReplicas": "9", "cpuTarget": "50"})
    scaler = one(recorded, "kubernetes:autoscaling/v2:HorizontalPodAutoscaler")["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (3, 9)
    assert scaler["metrics"][0]["resource"]["target"]["averageUtilization"] == 50
    budget = one(recorded, "kubernetes:policy/v1:PodDisruptionBudget")["spec"]
    labels = one(recorded, "kubernetes:apps/v1:Deployment")["spec"]["selector"]
    assert budget["selector"] == labels
    assert budget["maxUnavailable"] == 1
    policy = one(recorded, "kubernetes:networking.k8s.io/v1:NetworkPolicy")["spec"]
    assert sorted(policy["policyTypes"]) == ["Egress", "Ingress"]
    assert not policy.get("egress")


def test_a_load_balancer_has_a_name_in_azures_dns_and_http(run: Run) -> None:
    recorded = declared(run, {"dnsLabel": "digits"})
    service = one(recorded, "kubernetes:core/v1:Service")
    assert service["spec"]["type"] == "LoadBalancer"
    label = "service.beta.kubernetes.io/azure-dns-label-name"
    assert service["metadata"]["annotations"] == {label: "digits"}
    assert recorded.outputs["scoring_uri"] == "http://192.0.2.1:5001/score"


def test_a_host_name_makes_a_gateway_with_tls_and_no_load_balancer(run: Run) -> None:
    recorded = declared(run, {"hostname": "digits.example.com", "gatewayClass": "any"})
    service = one(recorded, "kubernetes:core/v1:Service")
    assert service["spec"]["type"] == "ClusterIP"
    gateway = one(recorded, "kubernetes:gateway.networking.k8s.io/v1:Gateway")["spec"]
    assert gateway["gatewayClassName"] == "any"
    (listener,) = gateway["listeners"]
    assert listener["tls"]["mode"] == "Terminate"
    route = one(recorded, "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute")["spec"]
    assert route["hostnames"] == ["digits.example.com"]
    (backend,) = route["rules"][0]["backendRefs"]
    assert backend["name"] == service["metadata"]["name"]
    assert recorded.outputs["scoring_uri"] == "https://digits.example.com/score"


def test_a_kubeconfig_takes_the_place_of_a_cluster(run: Run) -> None:
    recorded = declared(run, {"kubeconfig": KUBECONFIG}, ("kubeconfig",))
    assert "azure-native:containerservice:ManagedCluster" not in recorded.inputs
    assert "cluster" not in recorded.outputs
    assert one(recorded, "kubernetes:apps/v1:Deployment")


def test_keys_are_in_a_secret_that_never_changes_and_nowhere_else(run: Run) -> None:
    key = "a-key-of-sixteen-characters"
    recorded = declared(run, {"scoringKey": key}, ("scoringKey",))
    secret = one(recorded, "kubernetes:core/v1:Secret")
    assert secret["immutable"] is True
    assert key in str(secret["stringData"])
    assert "name" not in secret["metadata"], "new keys need a new name"
    deployment = one(recorded, "kubernetes:apps/v1:Deployment")
    assert key not in str(deployment)
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    (variable,) = [each for each in container["env"] if "valueFrom" in each]
    assert variable["valueFrom"]["secretKeyRef"]["key"] == variable["name"]
