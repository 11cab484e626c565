"""Where images, blobs and secrets are kept: no passwords, nothing public, roles decide."""

from __future__ import annotations

from collections.abc import Iterator

from infra.azure_facts import ACR_PULL, REGISTRY, ROLE_ASSIGNMENT, STORAGE_ACCOUNT, VAULT
from infra.policy.resource import Resource
from infra.policy.rule import rule


@rule(REGISTRY)
def no_admin_account(registry: Resource) -> Iterator[str]:
    """A registry has no admin account: its password is shared and cannot be traced."""
    if registry.at("adminUserEnabled") is True:
        yield "adminUserEnabled is true; leave it false and give identities a role instead"


@rule(REGISTRY)
def no_anonymous_pull(registry: Resource) -> Iterator[str]:
    """A registry gives its images to nobody who has not signed in."""
    if registry.at("anonymousPullEnabled") is True:
        yield "anonymousPullEnabled is true; leave it false"


@rule(ROLE_ASSIGNMENT)
def pull_assignment_names_its_principal_type(assignment: Resource) -> Iterator[str]:
    """The AcrPull assignment of an identity says ServicePrincipal, or a new one is refused."""
    definition = assignment.at("roleDefinitionId")
    pulls = isinstance(definition, str) and definition.lower().endswith(ACR_PULL)
    if pulls and assignment.at("principalType") != "ServicePrincipal":
        yield "principalType is not ServicePrincipal; creation fails while Entra ID replicates"


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
