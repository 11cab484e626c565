"""What a report shows of the project's own stacks, and that nothing known or misplaced is in it.

`RECORD=1 pytest tests/infra/disclosure/test_allow_list.py` writes what is meant; it is read then.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra import azure_facts
from infra.disclosure import display
from infra.disclosure.display import HIDDEN
from infra.disclosure.mask import Mask
from infra.preview import events
from infra.preview.paths import MISSING, differences, show

HERE = Path(__file__).parent
INFRA = HERE.parent
RECORDED = HERE / "recorded" / "shown.txt"
ID = "/subscriptions/00000000-0000-0000-0000-00000000da7a/resourceGroups/rg-mnist"
GUID = "3bf59937-d25d-5c7c-ba77-84162138a85a"
RULES = {"bypass": "AzureServices", "defaultAction": "Deny"}

OTHERS: list[tuple[str, dict[str, Any]]] = [
    (
        azure_facts.CONTAINER_GROUP,
        {
            "ipAddress": {"ip": "20.50.2.53", "fqdn": "mnist.westeurope.azurecontainer.io"},
            "priority": "Regular",
            "zones": ["1"],
            "subnetIds": [{"id": f"{ID}/providers/Microsoft.Network/virtualNetworks/v/subnets/s"}],
            "initContainers": [
                {
                    "name": "copy",
                    "image": "cr.azurecr.io/copy:1",
                    "environmentVariables": [
                        {"name": "SOURCE", "value": "not-to-be-shown"},
                        {"name": "SCORING_HOST", "value": "127.0.0.1"},
                    ],
                }
            ],
            "containers": [
                {
                    "livenessProbe": {
                        "httpGet": {"path": "/", "port": 5001, "scheme": "http"},
                        "initialDelaySeconds": 1,
                        "successThreshold": 1,
                    }
                }
            ],
            "diagnostics": {"logAnalytics": {"workspaceId": "not-to-be-shown"}},
        },
    ),
    (
        azure_facts.STORAGE_ACCOUNT,
        {
            "accessTier": "Hot",
            "networkRuleSet": {**RULES, "ipRules": [{"iPAddressOrRange": "20.50.2.0/24"}]},
        },
    ),
    (
        azure_facts.REGISTRY,
        {
            "zoneRedundancy": "Enabled",
            "networkRuleSet": {**RULES, "ipRules": [{"iPAddressOrRange": "20.50.2.1"}]},
        },
    ),
    (
        azure_facts.VAULT,
        {
            "properties": {
                "publicNetworkAccess": "Disabled",
                "networkAcls": {**RULES, "ipRules": [{"value": "20.50.2.53/32"}]},
            }
        },
    ),
    (azure_facts.IDENTITY, {"azureApiVersion": "2024-11-30", "identity": {"type": "None"}}),
    (
        azure_facts.GATEWAY,
        {
            "spec": {
                "gatewayClassName": "approuting-istio",
                "listeners": [{"port": 443, "hostname": "digits.example", "tls": {"mode": "X"}}],
            }
        },
    ),
    (
        azure_facts.ROUTE,
        {
            "spec": {
                "hostnames": ["digits.example"],
                "rules": [{"backendRefs": [{"name": "svc", "port": 80}]}],
            }
        },
    ),
    (
        azure_facts.MANAGED_CLUSTER,
        {
            "currentKubernetesVersion": "1.33.1",
            "agentPoolProfiles": [
                {"count": 2, "maxPods": 30, "minCount": 2, "maxCount": 5, "osDiskSizeGB": 64}
            ],
        },
    ),
    (azure_facts.SECRET, {"data": {"other": "bm8="}, "metadata": {"name": "keys"}}),
]


def resources() -> Iterator[tuple[str, Any]]:
    """(type, inputs) of both targets' stacks, and of what else Azure and Kubernetes know."""
    for name, one in json.loads((INFRA / "recorded" / "stack.json").read_text())[
        "resources"
    ].items():
        yield name.split()[0], events.value(one["inputs"])
    aks = json.loads((INFRA / "review" / "recorded" / "aks.json").read_text())
    yield from ((kind, events.value(one["inputs"])) for kind, one in aks.items())
    yield from OTHERS


def leaves(inputs: Any) -> Iterator[tuple[tuple[str | int, ...], str, Any]]:
    """(path, the name of the list's element, value) of every property."""
    yield from ((one.path, one.label, one.new) for one in differences(MISSING, inputs))


def told() -> str:
    lines: list[str] = []
    for kind, inputs in resources():
        lines.append(f"{kind}\n")
        lines += (
            f"  {show(path)}: {display.property_value(kind, path, label, value, Mask())}\n"
            for path, label, value in leaves(inputs)
        )
    return "".join(lines)


def test_what_is_shown_of_a_stack_is_as_it_was_read() -> None:
    text = told()
    if os.environ.get("RECORD"):
        RECORDED.write_text(text, encoding="utf-8")
    assert text == RECORDED.read_text(encoding="utf-8")
    assert "not-to-be-shown" not in text
    assert "correct-horse" not in text


def test_a_known_secret_is_shown_nowhere_whatever_property_it_is_put_into() -> None:
    seen = 0
    for kind, inputs in resources():
        for path, label, value in leaves(inputs):
            text = f"{value:g}" if isinstance(value, float) else str(value)
            mask = Mask(frozenset({text}))
            if isinstance(value, str | int | float) and not isinstance(value, bool) and text:
                assert text not in display.property_value(kind, path, label, value, mask), path
                seen += 1
    assert seen > 200


DIGEST = "4af430817bdddfc8f997456b9da7eee1ed4c1c9b63b6be6152c7a383f17bf38d"
WRONG = "q7x9k2m4z8w1p5r3"
"""No word, and of no shape that a property of a shape could have."""


def test_what_was_drawn_is_shown_nowhere_but_where_only_names_are() -> None:
    shown = {
        show(path)
        for kind, inputs in resources()
        for path, label, value in leaves(inputs)
        if isinstance(value, str)
        and display.property_value(kind, path, label, WRONG, Mask()) != HIDDEN
    }
    # Images and hosts are made of such labels; names are shown, whatever they look like.
    kinds = {path.rpartition(".")[2].partition("[")[0] for path in shown}
    assert kinds <= {"name", "image", "server", "fqdn", "hostname", "hostnames", "value", "key"}


@pytest.mark.parametrize(
    "kind", [azure_facts.CONTAINER_GROUP, azure_facts.STORAGE_ACCOUNT, "any:other:Type"]
)
def test_a_digest_is_shown_as_a_models_and_in_no_other_tag(kind: str) -> None:
    assert display.property_value(kind, ("tags", "modelSha256"), "", DIGEST, Mask()) == DIGEST
    assert display.property_value(kind, ("tags", "other"), "", DIGEST, Mask()) == HIDDEN


@pytest.mark.parametrize(
    ("value", "shown"), [("20.50.2.1/24", True), ("20.50.2.0/24", True), ("20.50.2/24", False)]
)
def test_a_network_is_shown_whatever_bits_of_a_host_it_has(value: str, shown: bool) -> None:
    path = ("networkRuleSet", "ipRules", 0, "iPAddressOrRange")
    for kind in (azure_facts.STORAGE_ACCOUNT, azure_facts.REGISTRY):
        assert (display.property_value(kind, path, "", value, Mask()) != HIDDEN) is shown


@pytest.mark.parametrize("label", ["SCORING_PORT", "MODEL_SHA256", "SERVICE_DESCRIPTION"])
@pytest.mark.parametrize(
    ("kind", "path"),
    [
        (azure_facts.CONTAINER_GROUP, ("containers", 0, "environmentVariables", 0, "value")),
        (azure_facts.DEPLOYMENT, ("spec", "template", "spec", "containers", 0, "env", 0, "value")),
    ],
)
def test_a_variables_value_is_shown_by_its_name(
    kind: str, path: tuple[str | int, ...], label: str
) -> None:
    values = {"SCORING_PORT": "5001", "MODEL_SHA256": DIGEST, "SERVICE_DESCRIPTION": "two words"}
    for name, value in values.items():
        shown = display.property_value(kind, path, label, value, Mask()) != HIDDEN
        fits = name == label or (label == "SERVICE_DESCRIPTION" and name == "SCORING_PORT")
        assert shown is fits, name
    assert display.property_value(kind, path, "OTHER", values[label], Mask()) == HIDDEN


@pytest.mark.parametrize("name", ["adminPassword", "storageKey", "sasToken", "key"])
def test_a_property_whose_name_is_a_secrets_is_hidden_where_all_else_is_shown(name: str) -> None:
    for kind, path in ((azure_facts.CONTAINER_GROUP, ("tags",)), (azure_facts.SERVICE, ("spec",))):
        assert display.property_value(kind, (*path, name), "", "blue", Mask()) == HIDDEN
        assert display.property_value(kind, (*path, "colour"), "", "blue", Mask()) == "blue"


def test_an_entry_is_of_its_type_and_its_place() -> None:
    for kind, path in (
        ("t", ("osType",)),
        (azure_facts.CONTAINER_GROUP, ("accessTier",)),
        (azure_facts.CONTAINER_GROUP, ("properties", "tags", "team")),
        (azure_facts.CONTAINER_GROUP, ("tagsOfMine", "team")),
        (azure_facts.CONTAINER_GROUP, ("kind", "of")),
    ):
        assert display.property_value(kind, path, "", "blue", Mask()) == HIDDEN


OUTPUTS = json.loads((INFRA / "recorded" / "stack.json").read_text())["outputs"] | {
    "cluster": "aks-mnist-dev",
    "namespace": "scoring",
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_every_output_of_the_program_is_shown_unless_it_is_a_known_secret(name: str) -> None:
    assert display.output_value((name,), OUTPUTS[name], Mask()) == OUTPUTS[name]
    assert display.output_value((name,), OUTPUTS[name], Mask.of([OUTPUTS[name]])) == HIDDEN
    assert display.output_value((name, "inner"), OUTPUTS[name], Mask()) == HIDDEN


@pytest.mark.parametrize("name", sorted({*OUTPUTS} - {"image", "fqdn", "login_server"}))
def test_an_output_that_was_drawn_is_hidden(name: str) -> None:
    assert display.output_value((name,), WRONG, Mask()) == HIDDEN


@pytest.mark.parametrize(
    ("path", "good", "bad"),
    [
        (("scope",), ID, f"{ID}/{WRONG}"),
        (("scope",), f"/a/{GUID}", "a"),
        (("scope",), f"/a/{GUID}", f"/a/{GUID}0"),
        (("roleAssignmentName",), GUID, GUID[1:]),
        (("roleAssignmentName",), GUID.upper(), f"{GUID} "),
    ],
)
def test_an_id_is_shown_where_all_its_parts_are_names_or_guids(
    path: tuple[str, ...], good: str, bad: str
) -> None:
    for value, shown in ((good, good), (bad, HIDDEN)):
        found = display.property_value(azure_facts.ROLE_ASSIGNMENT, path, "", value, Mask())
        assert found == shown
