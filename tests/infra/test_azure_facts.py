"""What is said of Azure, held against its schemas, its built-in roles and what a stack declares."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra import azure_facts
from local_azure import types
from local_azure.arm import roles

RECORDED = Path(__file__).with_name("recorded")


def declared() -> Iterator[str]:
    """Every type that a stack declares on either target."""
    for file in RECORDED.glob("*.json"):
        for name in json.loads(file.read_text(encoding="utf-8"))["resources"]:
            yield name.partition(" ")[0]


def test_exactly_the_types_that_a_stack_may_declare_have_a_name() -> None:
    """What the policies, the review and the drift check ask for is never there otherwise."""
    named = {
        value
        for name, value in vars(azure_facts).items()
        if name.isupper() and isinstance(value, str) and ":" in value
    }
    assert named == {*declared()} - {"pulumi:providers:kubernetes"}


def test_azure_and_the_provider_name_a_resource_as_the_schemas_do() -> None:
    own = {azure_facts.RESOURCE_GROUP, azure_facts.ROLE_ASSIGNMENT}
    names = {
        each.token: (each.type, each.name_input)
        for each in types.all_types()
        if each.token in {*declared()} - own
    }
    assert names == azure_facts.NAMED


def test_what_has_a_location_and_tags_is_tracked() -> None:
    tracked = {
        each.token
        for each in types.all_types()
        if {"location", "tags"} <= each.schema["properties"].keys()
    }
    assert tracked == {*azure_facts.TRACKED}


@pytest.mark.parametrize(
    ("role", "name"),
    [
        (azure_facts.OWNER, "Owner"),
        (azure_facts.CONTRIBUTOR, "Contributor"),
        (azure_facts.USER_ACCESS_ADMINISTRATOR, "User Access Administrator"),
        (azure_facts.RBAC_ADMINISTRATOR, "Role Based Access Control Administrator"),
        (azure_facts.ACR_PULL, "AcrPull"),
        (azure_facts.ACR_PUSH, "AcrPush"),
        (azure_facts.IDENTITY_OPERATOR, "Managed Identity Operator"),
        (azure_facts.STORAGE_BLOB_DATA_CONTRIBUTOR, "Storage Blob Data Contributor"),
        (azure_facts.STORAGE_BLOB_DATA_OWNER, "Storage Blob Data Owner"),
        (
            azure_facts.STORAGE_FILE_DATA_PRIVILEGED_CONTRIBUTOR,
            "Storage File Data Privileged Contributor",
        ),
    ],
)
def test_a_role_is_the_one_of_its_name(role: str, name: str) -> None:
    assert roles.BUILT_IN[role] == name
