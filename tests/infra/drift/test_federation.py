"""Tokens that an identity takes and nobody declared."""

from __future__ import annotations

from typing import Any

import pytest

from infra.disclosure.mask import Mask
from infra.drift import strays
from infra.drift.finding import Finding, Kind, Question, Severity

IDENTITY = (
    "/subscriptions/00000000-0000-0000-0000-00000000da7a/resourceGroups/rg"
    "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/id"
)
CREDENTIAL = f"{IDENTITY}/federatedIdentityCredentials/outside"


def found(*known: str, properties: Any, mask: Mask | None = None) -> list[Finding]:
    class Listing:
        def federated_credentials(self, identity: str) -> list[dict[str, Any]]:
            assert identity == IDENTITY
            return [{"id": CREDENTIAL, "name": "outside", "properties": properties}]

    lists: Any = Listing()
    return list(strays.credentials(lists, [IDENTITY], known, mask or Mask()))


def test_a_credential_that_nobody_declared_is_critical_and_says_whose_tokens() -> None:
    properties = {"issuer": "https://tokens.example.test", "subject": "repo:o/r:ref:refs/heads/x"}
    assert found(properties=properties) == [
        Finding(
            question=Question.GROUP,
            resource="outside",
            type=("Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"),
            path="",
            label="",
            declared="(none)",
            actual="repo:o/r:ref:refs/heads/x of https://tokens.example.test",
            kind=Kind.UNEXPECTED,
            severity=Severity.CRITICAL,
            reason="it is not declared, and whoever has such a token acts as the identity",
            id=CREDENTIAL,
        )
    ]


def test_what_is_secret_is_hidden() -> None:
    secret = "hunter2-hunter2"
    properties = {"issuer": f"https://{secret}.test", "subject": secret}
    (one,) = found(properties=properties, mask=Mask.of([secret, "outside"]))
    assert (one.resource, one.id) == ("[hidden]", "")
    assert one.actual == "[hidden] of https://[hidden].test"


@pytest.mark.parametrize("known", [CREDENTIAL, CREDENTIAL.upper()])
def test_a_declared_one_is_none(known: str) -> None:
    assert found(known, properties={}) == []


def test_one_behind_a_declared_one_is_found() -> None:
    class Listing:
        def federated_credentials(self, _: str) -> list[dict[str, Any]]:
            return [{"id": CREDENTIAL}, {"id": f"{CREDENTIAL}2"}]

    lists: Any = Listing()
    (one,) = strays.credentials(lists, [IDENTITY], [CREDENTIAL], Mask())
    assert (one.resource, one.id) == ("", f"{CREDENTIAL}2")


def test_one_without_properties_is_still_found() -> None:
    (one,) = found(properties=None)
    assert one.actual == " of "
