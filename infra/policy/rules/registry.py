"""The container registry: nobody pulls or pushes with a password, or without being known."""

from __future__ import annotations

from collections.abc import Iterator

from infra.azure_facts import ACR_PULL, REGISTRY, ROLE_ASSIGNMENT
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
