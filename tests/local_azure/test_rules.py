"""What Azure refuses: bad names, tags, text, ranges, roles; and the codes of what is not there."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from local_azure import types
from local_azure.arm.bodies import check_unchanged
from local_azure.arm.conditions import FILE
from local_azure.arm.errors import ArmError
from local_azure.arm.service import Resource

GUID = "00000000-0000-0000-0000-0000000adf50"
ACR_PULL = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
PLACE = {"location": "westeurope"}
ACCOUNT = {**PLACE, "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
VAULT = {**PLACE, "properties": {"tenantId": GUID, "sku": {"family": "A", "name": "standard"}}}
GROUP_VERSION = {"api-version": "2024-03-01"}


def put(http: httpx.Client, path: str, version: str, body: Any) -> tuple[int, str]:
    answer = http.put(path, params={"api-version": version}, json=body)
    said = answer.json() if answer.content else {}
    return answer.status_code, said.get("error", {}).get("code", "")


@pytest.mark.parametrize(
    ("type_name", "version", "body", "good", "bad", "code"),
    [
        (
            "Microsoft.Storage/storageAccounts",
            "2024-01-01",
            ACCOUNT,
            ["abc", "a" * 24],
            ["ab", "a" * 25, "Abc", "a-b", "a_b"],
            "AccountNameInvalid",
        ),
        (
            "Microsoft.ContainerRegistry/registries",
            "2023-07-01",
            {**PLACE, "sku": {"name": "Basic"}},
            ["Abcd5", "a" * 50],
            ["abcd", "a" * 51, "ab-cd", "ab.cd"],
            "InvalidResourceName",
        ),
        (
            "Microsoft.KeyVault/vaults",
            "2024-11-01",
            VAULT,
            ["a-b", "A" * 24],
            ["ab", "a" * 25, "1ab", "ab-", "a--b", "a_b"],
            "VaultNameNotValid",
        ),
        (
            "Microsoft.OperationalInsights/workspaces",
            "2023-09-01",
            PLACE,
            ["abcd"],
            ["abc", "-abc", "abc-", "ab_cd", "a" * 64],
            "InvalidResourceName",
        ),
    ],
)
def test_a_name_is_what_azure_takes(
    http: httpx.Client,
    group: str,
    type_name: str,
    version: str,
    body: Any,
    good: list[str],
    bad: list[str],
    code: str,
) -> None:
    for name in bad:
        assert put(http, f"{group}/providers/{type_name}/{name}", version, body) == (400, code)
    for name in good:
        assert put(http, f"{group}/providers/{type_name}/{name}", version, body)[0] < 300, name


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ({str(number): "" for number in range(51)}, "TooManyTags"),
        ({"a" * 513: ""}, "InvalidTagNameLength"),
        ({" ": ""}, "InvalidTagNameLength"),
        ({"a": "b" * 257}, "InvalidTagValueLength"),
        *[({f"a{each}b": ""}, "InvalidTagNameCharacters") for each in "<>%&\\?/"],
        ({"Microsoft.team": ""}, "ReservedTagName"),
        ({"AZUREteam": ""}, "ReservedTagName"),
        ({"windows": ""}, "ReservedTagName"),
        ({"team": "a", "Team": "b"}, "DuplicateTagName"),
        ({"team": 5}, "InvalidRequestContent"),
    ],
)
def test_tags_that_azure_refuses_are_refused(
    http: httpx.Client, group: str, tags: dict[str, Any], code: str
) -> None:
    assert put(http, group, "2024-03-01", {**PLACE, "tags": tags}) == (400, code)


def test_tags_at_the_limit_are_taken(http: httpx.Client, group: str) -> None:
    tags = {f"{number:0512}": "v" * 256 for number in range(50)}
    assert put(http, group, "2024-03-01", {**PLACE, "tags": tags}) == (200, "")


@pytest.mark.parametrize(
    "content",
    [
        b'{"location": "westeurope", "tags": {"a": "\\ud800"}}',
        b'{"location": "westeurope", "tags": {"\\udfff": "a"}}',
        b'{"location": "westeurope", "tags": {"a": "\\u001b[31m"}}',
        b'{"location": "westeurope", "tags": {"a": "\\u0000"}}',
        b'{"location": "westeurope", "tags": {"a": "\\u009b"}}',
        b'{"location": "westeurope", "tags": {"a": NaN}}',
        b'{"location": "westeurope", "tags": {"a": "\xff"}}',
    ],
)
def test_what_is_no_text_is_refused_and_the_lists_still_answer(
    stand_in: Any, http: httpx.Client, group: str, content: bytes
) -> None:
    answer = http.put(group, params=GROUP_VERSION, content=content)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidRequestContent")
    path = f"{stand_in.scope}/resourcegroups"
    assert http.get(path, params=GROUP_VERSION).status_code == 200


@pytest.mark.parametrize("bad", ["%00", "%1b%5b31m", "%0a", "%c2%9b", "%7f"])
def test_a_path_with_control_characters_is_refused_and_never_logged_raw(
    stand_in: Any, http: httpx.Client, bad: str
) -> None:
    answer = http.get(f"{stand_in.scope}/resourceGroups/a{bad}b", params=GROUP_VERSION)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidRequestUri")
    log = stand_in.home.log.read_text()
    assert not {"\x00", "\x1b", "\x9b", "\x7f"} & set(log)


@pytest.mark.parametrize(
    ("path", "version", "body"),
    [
        (
            "Microsoft.OperationalInsights/workspaces/logs",
            "2023-09-01",
            {**PLACE, "properties": {"retentionInDays": 29}},
        ),
        (
            "Microsoft.OperationalInsights/workspaces/logs",
            "2023-09-01",
            {**PLACE, "properties": {"retentionInDays": 731}},
        ),
        (
            "Microsoft.KeyVault/vaults/ranges",
            "2024-11-01",
            {**PLACE, "properties": {**VAULT["properties"], "softDeleteRetentionInDays": 6}},
        ),
    ],
)
def test_a_number_out_of_its_range_is_refused(
    http: httpx.Client, group: str, path: str, version: str, body: Any
) -> None:
    assert put(http, f"{group}/providers/{path}", version, body) == (400, "InvalidParameter")


def test_purge_protection_cannot_be_switched_off(http: httpx.Client, group: str) -> None:
    path = f"{group}/providers/Microsoft.KeyVault/vaults/v{uuid4().hex[:10]}"
    off = {**PLACE, "properties": {**VAULT["properties"], "enablePurgeProtection": False}}
    assert put(http, path, "2024-11-01", off) == (400, "BadRequest")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("", "ResourceGroupNotFound"),
        ("/providers/Microsoft.KeyVault/vaults/none", "ResourceNotFound"),
        (f"/providers/Microsoft.Authorization/roleAssignments/{GUID}", "RoleAssignmentNotFound"),
    ],
)
def test_what_is_not_there_has_the_code_of_its_type(
    http: httpx.Client, group: str, path: str, code: str
) -> None:
    where = f"{group}{path}" if path else f"{group}-none"
    answer = http.get(where, params={"api-version": "2025-04-01"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, code)


def assignment(stand_in: Any, principal: str, role: str = ACR_PULL) -> dict[str, Any]:
    definitions = f"{stand_in.scope}/providers/Microsoft.Authorization/roleDefinitions"
    return {"properties": {"principalId": principal, "roleDefinitionId": f"{definitions}/{role}"}}


def test_a_right_is_given_once_and_only_for_a_role_that_exists(
    stand_in: Any, http: httpx.Client, group: str
) -> None:
    base = f"{group}/providers/Microsoft.Authorization/roleAssignments"
    body = assignment(stand_in, str(uuid4()))
    first = f"{base}/{uuid4()}"
    assert put(http, first, "2022-04-01", body) == (201, "")
    assert put(http, first, "2022-04-01", body)[0] < 300
    assert put(http, f"{base}/{uuid4()}", "2022-04-01", body) == (409, "RoleAssignmentExists")
    unknown = assignment(stand_in, str(uuid4()), role=str(uuid4()))
    assert put(http, f"{base}/{uuid4()}", "2022-04-01", unknown) == (
        400,
        "RoleDefinitionDoesNotExist",
    )
    http.delete(first, params={"api-version": "2022-04-01"})
    assert put(http, f"{base}/{uuid4()}", "2022-04-01", body) == (201, "")


def test_role_definitions_are_found_by_name_and_by_id(
    stand_in: Any, http: httpx.Client, group: str
) -> None:
    for scope in (stand_in.scope, group):
        path = f"{scope}/providers/Microsoft.Authorization/roleDefinitions"
        asked = {"api-version": "2022-04-01", "$filter": "roleName eq 'acrpull'"}
        (found,) = http.get(path, params=asked).json()["value"]
        assert found["name"] == ACR_PULL
        one = http.get(f"{path}/{ACR_PULL}", params={"api-version": "2022-04-01"}).json()
        assert one["properties"]["roleName"] == "AcrPull"


@pytest.mark.parametrize(
    ("version", "status"),
    [
        ("2021-04-01", 200),
        ("2026-02-01", 200),
        ("2025-01-01-preview", 200),
        ("2021-03-31", 400),
        ("latest", 400),
        ("2021-04-01 ", 400),
    ],
)
def test_a_type_takes_any_version_that_is_not_older_than_its_oldest(
    http: httpx.Client, group: str, version: str, status: int
) -> None:
    assert http.get(group, params={"api-version": version}).status_code == status


def test_what_is_opened_by_hand_outlives_a_put_that_does_not_name_it(
    http: httpx.Client, group: str
) -> None:
    path = f"{group}/providers/Microsoft.Storage/storageAccounts/a{uuid4().hex[:10]}"
    version = {"api-version": "2024-01-01"}
    put(http, path, "2024-01-01", {**ACCOUNT, "properties": {"allowSharedKeyAccess": False}})
    opened = {"properties": {"allowSharedKeyAccess": True, "isSftpEnabled": True}}
    assert http.patch(path, params=version, json=opened).status_code == 200
    assert put(http, path, "2024-01-01", ACCOUNT)[0] == 200
    found = http.get(path, params=version).json()["properties"]
    assert (found["allowSharedKeyAccess"], found["isSftpEnabled"]) == (True, True)
    http.patch(path, params=version, json={"properties": {"isSftpEnabled": None}})
    assert "isSftpEnabled" not in http.get(path, params=version).json()["properties"]


@pytest.mark.parametrize(("kept", "expected"), [(False, "Enabled"), (True, "Disabled")])
def test_what_a_vault_does_can_be_tried_both_ways(
    stand_in: Any, http: httpx.Client, group: str, kept: bool, expected: str
) -> None:
    path = f"{group}/providers/Microsoft.KeyVault/vaults/v{uuid4().hex[:10]}"
    closed = {**VAULT["properties"], "publicNetworkAccess": "Disabled"}
    conditions = stand_in.home.root / FILE
    conditions.write_text(json.dumps({"unwrittenKept": kept}))
    try:
        put(http, path, "2024-11-01", {**PLACE, "properties": closed})
        assert put(http, path, "2024-11-01", VAULT)[0] == 200
        found = http.get(path, params={"api-version": "2024-11-01"}).json()["properties"]
        assert found["publicNetworkAccess"] == expected
    finally:
        conditions.unlink()


POOL = {"name": "scoring", "count": 2, "vmSize": "Standard_D4s_v5", "availabilityZones": ["1"]}
SYSTEM = {**POOL, "name": "system", "vmSize": "Standard_D2s_v5"}
CLUSTER = "Microsoft.ContainerService/managedClusters"


def changing_pools(*after: dict[str, Any]) -> None:
    """Ask for these pools of a cluster that has `SYSTEM` and `POOL`."""
    before, wanted = ({"properties": {"agentPoolProfiles": [*p]}} for p in ((SYSTEM, POOL), after))
    (kind,) = (each for each in types.all_types() if each.type == CLUSTER)
    check_unchanged(kind, Resource("/subscriptions/s/one", CLUSTER, before), wanted)


@pytest.mark.parametrize(
    "change",
    [{"vmSize": "Standard_D8s_v5"}, {"availabilityZones": ["1", "2"]}, {"maxPods": 30}],
)
def test_a_pool_keeps_its_size_its_zones_and_its_pods(change: dict[str, Any]) -> None:
    with pytest.raises(ArmError, match="of 'one/scoring' is not allowed") as it:
        changing_pools(SYSTEM, {**POOL, **change})
    assert it.value.code == "PropertyChangeNotAllowed"
    assert it.value.target == f"properties.agentPoolProfiles[].{next(iter(change))}"


def test_a_pool_is_known_by_its_name_and_another_may_be_as_it_likes() -> None:
    changing_pools({**POOL, "count": 3, "vmSize": None}, SYSTEM)
    changing_pools(SYSTEM, {**POOL, "name": "larger", "vmSize": "Standard_D8s_v5"})
