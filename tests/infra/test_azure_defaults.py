"""The tables of what Azure answers: their paths are real, and an opening is found."""

from __future__ import annotations

import pytest

from infra import azure_facts
from infra.azure_defaults import DEFAULTS, OPENINGS, known, opens


def test_a_default_has_a_value_and_a_source() -> None:
    found = known(azure_facts.REGISTRY, "policies.trustPolicy.type")
    assert found is not None
    assert found.value == "Notary"
    assert found.source


def test_nothing_is_known_of_what_is_not_in_the_table() -> None:
    assert known(azure_facts.REGISTRY, "policies") is None
    assert known("random:index:RandomString", "length") is None


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("allowSharedKeyAccess", True),
        ("publicNetworkAccess", "enabled"),
        ("networkRuleSet.bypass", "AzureServices"),
        ("networkRuleSet.bypass", "Logging, Metrics"),
        ("minimumTlsVersion", "TLS1_1"),
    ],
)
def test_a_value_that_lets_more_people_in_opens(path: str, value: object) -> None:
    assert opens(azure_facts.STORAGE_ACCOUNT, path, value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("allowSharedKeyAccess", False),
        ("allowSharedKeyAccess", 1),
        ("publicNetworkAccess", "Disabled"),
        ("networkRuleSet.bypass", "None"),
        ("minimumTlsVersion", "TLS1_2"),
        ("accessTier", "Hot"),
    ],
)
def test_any_other_value_opens_nothing(path: str, value: object) -> None:
    assert not opens(azure_facts.STORAGE_ACCOUNT, path, value)


def test_every_opening_has_a_known_default_so_that_leaving_it_out_is_decided() -> None:
    undecided = {
        (kind, path)
        for kind, paths in OPENINGS.items()
        for path in paths
        if path not in DEFAULTS[kind]
    }
    # An address is public or there is none: nothing is answered for what was left out.
    assert undecided == {(azure_facts.CONTAINER_GROUP, "ipAddress.type")}
