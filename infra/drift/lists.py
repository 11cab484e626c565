"""What Azure lists in the stack's resource groups; those of the state are asked for at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from typing import Any

from infra import azure_facts
from infra.arm.client import Arm
from infra.drift.stack import Stack

Items = list[dict[str, Any]]


class Lists:
    """Answers like `Arm`, from lists that were asked for side by side with everything else."""

    def __init__(self, arm: Arm, stack: Stack, pool: Executor) -> None:
        """Ask for the lists of what the state knows; an error shows when one is read."""
        self._arm = arm
        self._pool = pool
        self._asked: dict[tuple[str, str], Future[Items]] = {}
        for each in stack.resources:
            if each.type == azure_facts.RESOURCE_GROUP:
                self._ask("resources", arm.resources, each.id)
                self._ask("rights", arm.role_assignments, each.id)
        for each in stack.identities:
            self._ask("federated", arm.federated_credentials, each)

    def resources(self, group_id: str) -> Items:
        """The resources of a group; none if it is not there.

        Raises:
            ArmError: Azure was not reached, or refused; so for the others, too.
        """
        return self._ask("resources", self._arm.resources, group_id).result()

    def role_assignments(self, scope: str) -> Items:
        """The role assignments at a scope, below it, and inherited by it."""
        return self._ask("rights", self._arm.role_assignments, scope).result()

    def federated_credentials(self, identity_id: str) -> Items:
        """Whose tokens an identity takes; none if it is not there."""
        return self._ask("federated", self._arm.federated_credentials, identity_id).result()

    def _ask(
        self, what: str, ask: Callable[[str], Iterable[dict[str, Any]]], of: str
    ) -> Future[Items]:
        key = what, of.casefold()
        if key not in self._asked:
            self._asked[key] = self._pool.submit(lambda: list(ask(of)))
        return self._asked[key]
