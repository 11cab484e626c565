"""The settings of the target aks: each fault in one line, before anything is touched."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from infra.aks.settings import KEYS, KubernetesSettings, cores_of
from infra.settings import SettingError
from tests.infra.test_settings import loaded

Run = Callable[..., Any]
AKS = {"target": "aks"}
KUBECONFIG = json.dumps(
    {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "one"}}],
        "clusters": [{"name": "one", "cluster": {"server": "https://one.invalid"}}],
    }
)
OF_C = {"name": "c", "context": {"cluster": "one"}}
OF_D = {"name": "d", "context": {"cluster": "two"}}
CLUSTER = {"name": "one", "cluster": {"server": "https://one.invalid"}}
ANOTHER = {"name": "two", "cluster": {"server": "http://two.invalid"}}
VALUES = {
    "minReplicas": "2",
    "maxReplicas": "3",
    "cpuTarget": "50",
    "rolloutSeconds": "60",
    "nodeSize": "Standard_D4s_v5",
    "minNodes": "2",
    "maxNodes": "3",
    "kubernetesVersion": "1.36",
    "hostname": "digits.example.com",
    "gatewayClass": "azure-alb-external",
}


def refused(run: Run, config: dict[str, str], **more: Any) -> list[str]:
    with pytest.raises(SettingError) as raised:
        run(config, **more)
    lines = str(raised.value).splitlines()
    return lines[1:] if len(lines) > 1 else lines


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("minReplicas", "1"),
        ("minReplicas", "two"),
        ("minReplicas", "1001"),
        ("maxReplicas", "1"),
        ("maxReplicas", "1001"),
        ("cpuTarget", "9"),
        ("cpuTarget", "91"),
        ("rolloutSeconds", "29"),
        ("rolloutSeconds", "3601"),
        ("nodeSize", "D4s_v5"),
        ("nodeSize", "Standard_D4s"),
        ("minNodes", "1"),
        ("minNodes", "101"),
        ("maxNodes", "1"),
        ("maxNodes", "101"),
        ("kubernetesVersion", "latest"),
        ("kubernetesVersion", "v1.36"),
        ("kubernetesVersion", "1.36.3.1"),
    ],
)
def test_a_wrong_value_names_key_value_range_and_remedy(run: Run, key: str, value: str) -> None:
    (line,) = refused(run, {**AKS, key: value})
    assert f"sklearn-mnist-svc:{key} is {value!r}; allowed: {KEYS[key]}" in line
    assert "pulumi config set" in line


LABEL = "a" + "-" * 61 + "z"


@pytest.mark.parametrize(
    ("config", "changes"),
    [
        ({}, {}),
        ({"minReplicas": "2"}, {"min_replicas": 2}),
        ({"minReplicas": "5"}, {"min_replicas": 5, "max_replicas": 5}),
        ({"minReplicas": "1000"}, {"min_replicas": 1000, "max_replicas": 1000}),
        ({"maxReplicas": "2"}, {"max_replicas": 2}),
        ({"maxReplicas": "1000"}, {"max_replicas": 1000}),
        ({"minReplicas": "7", "maxReplicas": "7"}, {"min_replicas": 7, "max_replicas": 7}),
        ({"cpuTarget": "10"}, {"cpu_target": 10}),
        ({"cpuTarget": "90"}, {"cpu_target": 90}),
        ({"rolloutSeconds": "30"}, {"rollout_seconds": 30}),
        ({"rolloutSeconds": "3600"}, {"rollout_seconds": 3600}),
        ({"nodeSize": "Standard_F8s_v2", "cpu": "4"}, {"node_size": "Standard_F8s_v2"}),
        ({"nodeSize": "Standard_D2s_v5", "cpu": "1.9"}, {"node_size": "Standard_D2s_v5"}),
        ({"minNodes": "2"}, {"min_nodes": 2}),
        ({"minNodes": "100"}, {"min_nodes": 100, "max_nodes": 100}),
        ({"maxNodes": "2"}, {"max_nodes": 2}),
        ({"maxNodes": "100"}, {"max_nodes": 100}),
        ({"kubernetesVersion": "1.36"}, {"kubernetes_version": "1.36"}),
        ({"kubernetesVersion": "1.36.12"}, {"kubernetes_version": "1.36.12"}),
        (
            {"hostname": "a.b-c", "gatewayClass": "x"},
            {"hostname": "a.b-c", "gateway_class": "x"},
        ),
        (
            {"hostname": f"{LABEL}.{LABEL}.{LABEL}.{'b' * 61}", "gatewayClass": LABEL},
            {"hostname": f"{LABEL}.{LABEL}.{LABEL}.{'b' * 61}", "gateway_class": LABEL},
        ),
    ],
)
def test_a_value_at_its_limit_is_taken_and_moves_only_what_has_to_follow(
    config: dict[str, str], changes: dict[str, Any]
) -> None:
    assert loaded(**AKS, **config).kubernetes == KubernetesSettings(**changes)


@pytest.mark.usefixtures("run")  # which brings an event loop
def test_a_kubeconfig_is_kept_as_a_secret_and_no_size_of_nodes_is_asked_for() -> None:
    found = loaded(("kubeconfig",), **AKS, kubeconfig=KUBECONFIG, cpu="4").kubernetes
    assert isinstance(found.kubeconfig, pulumi.Output)
    assert found.node_size == KubernetesSettings.node_size


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("changes", "good"),
    [
        ({}, True),
        ({"contexts": [OF_D, OF_C], "clusters": [CLUSTER, ANOTHER]}, True),
        ({"current-context": "d", "contexts": [OF_D, OF_C], "clusters": [CLUSTER]}, False),
        ({"contexts": [OF_C, OF_C]}, False),
        ({"contexts": [OF_D]}, False),
        ({"clusters": [CLUSTER, CLUSTER]}, False),
        ({"clusters": [ANOTHER]}, False),
        ({"clusters": [{"name": "one"}]}, False),
        ({"clusters": 7}, False),
        ({"users": 7}, False),
        ({"users": [7]}, False),
        ({"users": None}, True),
    ],
)
def test_a_kubeconfig_names_one_cluster_by_its_current_context(
    run: Run, changes: dict[str, Any], good: bool
) -> None:
    text = json.dumps({**json.loads(KUBECONFIG), **changes})
    if good:
        assert loaded(("kubeconfig",), **AKS, kubeconfig=text).kubernetes.kubeconfig
    else:
        (line,) = refused(run, {**AKS, "kubeconfig": text}, secrets=("kubeconfig",))
        assert "kubeconfig is [secret]; allowed: a secret kubeconfig" in line


@pytest.mark.parametrize(
    "hostname",
    [
        "digits",
        "Digits.example.com",
        "-a.example",
        "a..b",
        "a.b:1",
        f"a{LABEL}.b",
        f"a.{LABEL}z",
        "a.b.",
    ],
)
def test_a_host_name_is_one_that_dns_can_have(run: Run, hostname: str) -> None:
    (line,) = refused(run, {**AKS, "hostname": hostname, "gatewayClass": "any"})
    assert KEYS["hostname"] in line


@pytest.mark.parametrize("target", [{}, {"target": "aci"}])
def test_every_key_of_aks_is_refused_for_aci(run: Run, target: dict[str, str]) -> None:
    secrets = {"kubeconfig": KUBECONFIG}
    lines = refused(run, {**target, **VALUES, **secrets}, secrets=("kubeconfig",))
    assert len(lines) == len(KEYS)
    for key, line in zip(KEYS, lines, strict=True):
        assert f"sklearn-mnist-svc:{key} is of the target aks, and the target is aci" in line
        assert f"remove it with: pulumi config rm {key}" in line


@pytest.mark.parametrize(
    ("config", "key", "word"),
    [
        ({"minReplicas": "6", "maxReplicas": "5"}, "maxReplicas", "6 and more"),
        ({"minNodes": "4", "maxNodes": "3"}, "maxNodes", "4 and more"),
        ({"nodeSize": "Standard_D2s_v5", "cpu": "2"}, "nodeSize", "more than 2 cores"),
        ({"nodeSize": "Standard_E8-2s_v5", "cpu": "4"}, "nodeSize", "more than 4 cores"),
        ({"cpu": "4"}, "nodeSize", "more than 4 cores"),
        ({"cpu": "4", "nodeSize": "D4"}, "nodeSize", "is 'D4'; allowed: a size such as"),
        ({"hostname": "digits.example.com"}, "gatewayClass", "a hostname needs a gateway"),
        ({"gatewayClass": "any"}, "gatewayClass", "without a hostname"),
        (
            {"hostname": "a.example", "gatewayClass": "any", "dnsLabel": "digits"},
            "dnsLabel",
            "a hostname makes none",
        ),
        ({"image": "registry.example/svc:latest"}, "image", "@sha256:DIGEST"),
    ],
)
def test_what_does_not_fit_together_is_named(
    run: Run, config: dict[str, str], key: str, word: str
) -> None:
    (line,) = refused(run, {**AKS, **config})
    assert f"sklearn-mnist-svc:{key} " in line
    assert word in line


def test_a_kubeconfig_is_a_secret(run: Run) -> None:
    (line,) = refused(run, {**AKS, "kubeconfig": KUBECONFIG})
    assert "kubeconfig is not a secret" in line
    assert "cat FILE | pulumi config set --secret kubeconfig" in line


@pytest.mark.parametrize(
    "text",
    ["plain text", "{", "{}", "[]", KUBECONFIG.replace("https", "http"), "current-context: x"],
)
def test_a_kubeconfig_is_one_and_is_never_shown(run: Run, text: str) -> None:
    (line,) = refused(run, {**AKS, "kubeconfig": text}, secrets=("kubeconfig",))
    assert "kubeconfig is [secret]; allowed: a secret kubeconfig with a current context" in line
    assert (
        text not in line.replace("a secret kubeconfig with a current context", "") or text in "{}[]"
    )


@pytest.mark.parametrize("key", ["nodeSize", "minNodes", "maxNodes", "kubernetesVersion"])
def test_what_a_cluster_that_exists_has_already_cannot_be_set(run: Run, key: str) -> None:
    config = {**AKS, "kubeconfig": KUBECONFIG, key: VALUES[key]}
    (line,) = refused(run, config, secrets=("kubeconfig",))
    assert f"{key} is of a cluster that is made, and kubeconfig names another" in line


@pytest.mark.parametrize(
    ("size", "cores"),
    [
        ("Standard_D4s_v5", 4),
        ("Standard_D16ads_v6", 16),
        ("Standard_E16-8s_v5", 8),
        ("Standard_F8s_v2", 8),
        ("Standard_B2ms", 0),
        ("Standard_DS13_v2", 0),
    ],
)
def test_the_cores_of_a_size_are_in_its_name(size: str, cores: int) -> None:
    # DSv2 numbers its sizes and not their cores; B2ms has no version: neither says its cores.
    assert cores_of(size) == cores


def test_a_second_key_stands_beside_a_first(run: Run) -> None:
    key = "the-second-key-of-two"
    (line,) = refused(run, {"scoringKeySecondary": key}, secrets=("scoringKeySecondary",))
    assert "scoringKeySecondary is set without scoringKey" in line
    assert key not in line
