"""The settings of the target aks: each fault in one line, before anything is touched."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from infra.aks.settings import KEYS, cores_of
from infra.settings import SettingError

Run = Callable[..., Any]
AKS = {"target": "aks"}
KUBECONFIG = json.dumps(
    {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "one"}}],
        "clusters": [{"name": "one", "cluster": {"server": "https://one.invalid"}}],
    }
)
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
        ("maxReplicas", "1001"),
        ("cpuTarget", "9"),
        ("cpuTarget", "91"),
        ("rolloutSeconds", "29"),
        ("nodeSize", "D4s_v5"),
        ("nodeSize", "Standard_D4s"),
        ("minNodes", "1"),
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


@pytest.mark.parametrize(
    "hostname", ["digits", "Digits.example.com", "-a.example", "a..b", "a.b:1"]
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
