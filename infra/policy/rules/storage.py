"""The storage account: encrypted transport, nothing public."""

from __future__ import annotations

from collections.abc import Iterator

from infra.azure_facts import STORAGE_ACCOUNT
from infra.policy.resource import Resource
from infra.policy.rule import rule


@rule(STORAGE_ACCOUNT)
def tls_1_2(account: Resource) -> Iterator[str]:
    """A storage account refuses TLS older than 1.2."""
    if account.at("minimumTlsVersion") not in {"TLS1_2", "TLS1_3"}:
        yield "minimumTlsVersion is not TLS1_2 or newer; set it, the service's default is older"


@rule(STORAGE_ACCOUNT)
def https_only(account: Resource) -> Iterator[str]:
    """A storage account answers over HTTPS only."""
    if account.at("enableHttpsTrafficOnly") is not True:
        yield "enableHttpsTrafficOnly is not true"


@rule(STORAGE_ACCOUNT)
def no_public_blobs(account: Resource) -> Iterator[str]:
    """A storage account cannot make a container public."""
    if account.at("allowBlobPublicAccess") is not False:
        yield "allowBlobPublicAccess is not false"
