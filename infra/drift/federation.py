"""Federated credentials of the stack's identities that nobody declared.

Whoever holds a token of such an issuer and subject is the identity, without any password; ARM's
list of a group leaves them out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from infra.disclosure import allow_list, display
from infra.disclosure.mask import Mask
from infra.drift.finding import Finding, Kind, Question, Severity
from infra.drift.lists import Lists

TYPE = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"
REASON = "it is not declared, and whoever has such a token acts as the identity"


def find(
    lists: Lists, identities: Iterable[str], known: Iterable[str], mask: Mask
) -> Iterator[Finding]:
    """Yield a finding for each credential that is not declared.

    Args:
        lists: Who lists them.
        identities: The ids of the stack's identities.
        known: The ids of what the state knows, and of what the program declares.
        mask: What may not be shown.

    Raises:
        ArmError: Azure was not reached, or refused.
    """
    managed = {each.casefold() for each in known}
    for identity in identities:
        for one in lists.federated_credentials(identity):
            own = str(one.get("id"))
            if own.casefold() in managed:
                continue
            properties = one.get("properties") or {}
            issuer, subject = (str(properties.get(each, "")) for each in ("issuer", "subject"))
            yield Finding(
                question=Question.GROUP,
                resource=display.name(str(one.get("name", "")), mask),
                type=TYPE,
                path="",
                label="",
                declared=display.NOTHING,
                actual=f"{display.name(subject, mask)} of {display.name(issuer, mask)}",
                kind=Kind.UNEXPECTED,
                severity=Severity.CRITICAL,
                reason=REASON,
                id=own if allow_list.ARM_ID(own, mask) else "",
            )
