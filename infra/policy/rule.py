"""A rule: a named function over a resource, with the types it speaks about and its weight."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from infra.policy.resource import Resource

Check = Callable[[Resource], Iterable[str]]
"""Yields a sentence for each thing that is wrong; never the value of a secret."""


class Level(enum.StrEnum):
    """What a violation means."""

    MANDATORY = "mandatory"
    ADVISORY = "advisory"


@dataclass(frozen=True)
class Rule:
    """A rule of the policy.

    Attributes:
        name: Its name in reports, such as `image-by-digest`.
        description: What it asks for, in one sentence.
        level: Whether a violation stops a change.
        types: The resource types it speaks about, without API versions.
        check: The function.
    """

    name: str
    description: str
    level: Level
    types: frozenset[str]
    check: Check

    def applies_to(self, resource: Resource) -> bool:
        """Whether the rule speaks about a resource of this type."""
        return resource.type in self.types


def rule(*types: str, level: Level = Level.MANDATORY) -> Callable[[Check], Rule]:
    """Make a rule of a function: its name and the first line of its docstring describe it."""

    def make(check: Check) -> Rule:
        name = getattr(check, "__name__", "").replace("_", "-")
        description = (check.__doc__ or "").strip().splitlines()[0]
        return Rule(name, description, level, frozenset(types), check)

    return make
