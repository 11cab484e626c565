"""The key vault: roles decide, and what was deleted can be brought back."""

from __future__ import annotations

from collections.abc import Iterator

from infra.azure_facts import VAULT
from infra.policy.resource import Resource
from infra.policy.rule import rule


@rule(VAULT)
def vault_rbac(vault: Resource) -> Iterator[str]:
    """A key vault is opened by roles, not by access policies of its own."""
    if vault.at("properties.enableRbacAuthorization") is not True:
        yield "properties.enableRbacAuthorization is not true"


@rule(VAULT)
def vault_purge_protection(vault: Resource) -> Iterator[str]:
    """A key vault keeps what was deleted until its retention ends, whoever asks."""
    if vault.at("properties.enablePurgeProtection") is not True:
        yield "properties.enablePurgeProtection is not true"
    if vault.at("properties.enableSoftDelete") is False:
        yield "properties.enableSoftDelete is false"
