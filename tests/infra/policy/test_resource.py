"""What a rule finds at a path, and that it never guesses what is not known or secret."""

from __future__ import annotations

from typing import Any

import pytest

from infra.policy.resource import SECRET, UNKNOWN, NotKnownYetError, Resource

INPUTS: dict[str, Any] = {
    "name": "x",
    "ports": [{"port": 1}, {"port": 2}],
    "later": UNKNOWN,
    "laters": [UNKNOWN, {"a": UNKNOWN}],
    "hidden": SECRET,
    "hiddens": [SECRET],
}
RESOURCE = Resource("t", INPUTS)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("name", "x"),
        ("name.first", None),
        ("name[0]", None),
        ("ports[0].port", 1),
        ("ports[1].port", 2),
        ("ports[2].port", None),
        ("ports[2]", None),
        ("ports.port", None),
        ("nothing", None),
        ("nothing[0].port", None),
        ("hidden", SECRET),
        ("hiddens[0]", SECRET),
    ],
)
def test_a_path_leads_to_a_value_or_to_nothing(path: str, value: object) -> None:
    assert RESOURCE.at(path) == value


@pytest.mark.parametrize(
    "path", ["later", "later.a", "laters[0]", "laters[1].a", "hidden.a", "hiddens[0].a"]
)
def test_a_path_to_what_is_not_known_or_through_a_secret_is_named(path: str) -> None:
    with pytest.raises(NotKnownYetError) as raised:
        RESOURCE.at(path)
    assert str(raised.value) == path


@pytest.mark.parametrize(("path", "count"), [("ports", 2), ("name.x", 0), ("nothing", 0)])
def test_a_list_is_counted(path: str, count: int) -> None:
    assert RESOURCE.count(path) == range(count)


@pytest.mark.parametrize("path", ["later", "hidden"])
def test_a_list_that_is_not_known_or_secret_is_not_counted(path: str) -> None:
    with pytest.raises(NotKnownYetError) as raised:
        RESOURCE.count(path)
    assert str(raised.value) == path


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("azure-native:storage:StorageAccount", "azure-native:storage:StorageAccount"),
        ("azure-native:storage/v20230101:StorageAccount", "azure-native:storage:StorageAccount"),
        ("azure-native:web/v20230101preview:Site", "azure-native:web:Site"),
        ("kubernetes:apps/v1:Deployment", "kubernetes:apps/v1:Deployment"),
    ],
)
def test_the_type_is_the_token_without_a_dated_version(token: str, kind: str) -> None:
    assert Resource(token, {}).type == kind


def test_what_stands_for_a_value_says_what_it_stands_for() -> None:
    assert (repr(UNKNOWN), repr(SECRET)) == ("UNKNOWN", "SECRET")
