"""Hold resources against the rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from infra.policy.resource import NotKnownYetError, Resource
from infra.policy.rule import Level, Rule
from infra.policy.rules import RULES


@dataclass(frozen=True)
class Violation:
    """A resource that is not as a rule wants it.

    Attributes:
        rule: The rule.
        message: What is wrong.
    """

    rule: Rule
    message: str

    @property
    def mandatory(self) -> bool:
        """Whether it stops the change."""
        return self.rule.level is Level.MANDATORY


@dataclass(frozen=True)
class Undecided:
    """A rule that needs a value which only the update will produce.

    Attributes:
        rule: The rule.
        path: Where the value is missing.
    """

    rule: Rule
    path: str


def evaluate(resource: Resource, rules: Iterable[Rule] = RULES) -> Iterator[Violation | Undecided]:
    """Yield what the rules have to say about a resource, in the order of the rules."""
    for rule in rules:
        if not rule.applies_to(resource):
            continue
        try:
            for message in rule.check(resource):
                yield Violation(rule, message)
        except NotKnownYetError as missing:
            yield Undecided(rule, str(missing))
