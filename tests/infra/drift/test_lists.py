"""Azure's lists: those that will be needed are asked for at once, and none twice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from infra import azure_facts
from infra.arm.errors import ArmError
from infra.drift.stack import Stack
from infra.drift.strays import Lists
from tests.support.told_azure import Told

GROUP, IDENTITY, OTHER = "/subscriptions/s/resourceGroups/rg", "/identity", "/other"
ASSIGNMENTS = "providers/Microsoft.Authorization/roleAssignments"
READ: dict[str, Callable[[Lists, str], Any]] = {
    "resources": lambda lists, of: lists.resources(of),
    ASSIGNMENTS: lambda lists, of: lists.role_assignments(of),
    "federatedIdentityCredentials": lambda lists, of: lists.federated_credentials(of),
}


def a_stack() -> Stack:
    known = [
        {"urn": "g", "type": azure_facts.RESOURCE_GROUP, "id": GROUP, "custom": True},
        {"urn": "i", "type": azure_facts.IDENTITY, "id": IDENTITY, "custom": True},
        {"urn": "v", "type": azure_facts.VAULT, "id": "/v", "custom": True},
    ]
    return Stack("dev", Path(), {"deployment": {"resources": known}})


def test_what_the_state_knows_is_asked_for_before_anybody_reads_it() -> None:
    azure = Told()
    with ThreadPoolExecutor(1) as pool:
        lists = Lists(azure, a_stack(), pool)
        for what, read in READ.items():
            assert read(lists, IDENTITY if what.startswith("federated") else GROUP) == []
    assert [path for path, _, _ in azure.asked] == [
        f"{GROUP}/resources",
        f"{GROUP}/{ASSIGNMENTS}",
        f"{IDENTITY}/federatedIdentityCredentials",
    ]


@pytest.mark.parametrize("what", list(READ))
def test_each_list_is_asked_for_once_in_whatever_case(what: str) -> None:
    azure = Told()
    azure.lists(f"{OTHER}/{what}", {"name": "a"}, {"name": "b"})
    with ThreadPoolExecutor(2) as pool:
        lists = Lists(azure, a_stack(), pool)
        for name in (OTHER, OTHER.upper(), OTHER):
            assert [one["name"] for one in READ[what](lists, name)] == ["a", "b"]
    paths = [path for path, _, _ in azure.asked]
    assert paths.count(f"{OTHER}/{what}") == 1
    assert len(paths) == 4


@pytest.mark.parametrize("what", list(READ))
def test_an_error_shows_when_its_list_is_read(what: str) -> None:
    azure = Told(**{f"{GROUP}/{what}": ArmError("HTTP 403")})
    with ThreadPoolExecutor(2) as pool:
        lists = Lists(azure, a_stack(), pool)
        for other in READ:
            if other == what:
                with pytest.raises(ArmError, match="HTTP 403"):
                    READ[other](lists, GROUP)
            else:
                assert READ[other](lists, GROUP) == []
