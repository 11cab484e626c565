"""How Azure answers a PUT of each type, as recorded by its makers' own clients, in our words."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest

GUID = "00000000-0000-0000-0000-0000000adf50"
PLACE = {"location": "westeurope"}


@dataclass(frozen=True)
class Manner:
    """What was recorded.

    Attributes:
        type: The type.
        version: An API version that the type takes.
        body: The request's.
        status: Of the first answer.
        state: The provisioning state in it; "" where it has no body, or its body no state.
        location: A pattern of the `Location` header; "" where there is none.
        operation: A pattern of the `Azure-AsyncOperation` header; "" where there is none.
    """

    type: str
    version: str
    body: dict[str, Any]
    status: int
    state: str
    location: str = ""
    operation: str = ""


RECORDED = [
    Manner(
        "Microsoft.ContainerRegistry/registries",
        "2025-03-01-preview",
        {**PLACE, "sku": {"name": "Basic"}},
        201,
        "Creating",
        operation=r"https://.*/registries/NAME/operationStatuses/registries-[^/]+",
    ),
    Manner(
        "Microsoft.KeyVault/vaults",
        "2021-06-01-preview",
        {**PLACE, "properties": {"tenantId": GUID, "sku": {"family": "A", "name": "standard"}}},
        200,
        "RegisteringDns",
    ),
    Manner(
        "Microsoft.OperationalInsights/workspaces",
        "2023-09-01",
        PLACE,
        201,
        "Creating",
        location=r"https://.*/workspaces/NAME",
    ),
    Manner(
        "Microsoft.Storage/storageAccounts",
        "2021-09-01",
        {**PLACE, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}},
        202,
        "",
        location=r"https://.*/locations/westeurope/asyncoperations/[^/]+\?monitor=true&.*",
    ),
    Manner(
        "Microsoft.Insights/components",
        "2018-05-01-preview",
        {**PLACE, "kind": "web", "properties": {"Application_Type": "web"}},
        200,
        "Succeeded",
    ),
    Manner(
        "Microsoft.ManagedIdentity/userAssignedIdentities",
        "2023-01-31",
        PLACE,
        201,
        "",
        location=r"/subscriptions/.*/userAssignedIdentities/NAME",
    ),
]


def told(manner: Manner) -> str:
    return manner.type


@pytest.fixture(params=RECORDED, ids=told)
def manner(request: pytest.FixtureRequest) -> Manner:
    return request.param


def test_a_put_is_answered_as_azure_answers_it(
    http: httpx.Client, group: str, manner: Manner
) -> None:
    name = f"a{uuid4().hex[:10]}"
    path = f"{group}/providers/{manner.type}/{name}"
    version = {"api-version": manner.version}
    answer = http.put(path, params=version, json=manner.body)
    body = answer.json() if answer.content else {}
    assert answer.status_code == manner.status
    assert body.get("properties", {}).get("provisioningState", "") == manner.state
    for header, pattern in (
        ("location", manner.location),
        ("azure-asyncoperation", manner.operation),
    ):
        said = answer.headers.get(header, "")
        wanted = pattern.replace("NAME", name)
        if wanted and "?" not in wanted.replace(r"\?", "?"):
            wanted += r"\?api-version=.*"
        assert re.fullmatch(wanted, said), said
    end = time.monotonic() + 10
    while True:
        found = http.get(path, params=version).json()
        state = found["properties"].get("provisioningState", "Succeeded")
        if state == "Succeeded":
            break
        assert time.monotonic() < end, state


def test_a_registrys_operation_says_its_status_and_nothing_else(
    http: httpx.Client, group: str
) -> None:
    path = f"{group}/providers/Microsoft.ContainerRegistry/registries/a{uuid4().hex[:10]}"
    body = {**PLACE, "sku": {"name": "Premium"}}
    version = {"api-version": "2025-03-01-preview"}
    where = http.put(path, params=version, json=body).headers["azure-asyncoperation"]
    end = time.monotonic() + 10
    while (said := http.get(where).json()) == {"status": "Creating"}:
        assert time.monotonic() < end
    assert said == {"status": "Succeeded"}
    rules = http.get(path, params=version).json()["properties"]["networkRuleSet"]
    assert rules == {"defaultAction": "Allow", "ipRules": []}


def test_ids_are_spelled_as_azure_spells_them(http: httpx.Client, group: str) -> None:
    insights = f"{group}/providers/Microsoft.Insights/components/{uuid4().hex[:8]}"
    body = {**PLACE, "kind": "web", "properties": {"Application_Type": "web"}}
    made = http.put(insights, params={"api-version": "2020-02-02"}, json=body).json()
    assert made["type"] == "microsoft.insights/components"
    assert "/microsoft.insights/components/" in made["id"]
    who = f"{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{uuid4().hex[:8]}"
    made = http.put(who, params={"api-version": "2023-01-31"}, json=PLACE).json()
    assert "/resourcegroups/" in made["id"]
    assert http.get(made["id"], params={"api-version": "2023-01-31"}).json() == made


def test_a_workspaces_patch_is_an_operation(http: httpx.Client, group: str) -> None:
    path = f"{group}/providers/Microsoft.MachineLearningServices/workspaces/{uuid4().hex[:8]}"
    version = {"api-version": "2022-05-01"}
    end = time.monotonic() + 10
    for method, body, status in (
        ("PUT", {**PLACE, "properties": {}}, 201),
        ("PATCH", {"tags": {"a": "b"}}, 202),
    ):
        answer = http.request(method, path, params=version, json=body)
        assert answer.status_code == status, answer.text
        for header in ("location", "azure-asyncoperation"):
            assert "/workspaceOperationsStatus/" in answer.headers[header]
        while http.get(answer.headers["azure-asyncoperation"]).json()["status"] == "InProgress":
            assert time.monotonic() < end
    assert http.get(path, params=version).json()["tags"] == {"a": "b"}
