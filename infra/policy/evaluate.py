"""Hold resources against the rules: each is passed, violated or undecided for a resource."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from infra.policy.resource import NotKnownYetError, Resource
from infra.policy.rule import Level, Rule
from infra.policy.rules import RULES


@dataclass(frozen=True)
class Outcome:
    """A resource that is not as a rule wants it, or of which the rule cannot say yet.

    Attributes:
        rule: The rule.
        message: What is wrong; of what is not decided, why nothing can be said.
        decided: Whether the rule is violated. Else it needs a value that only the update will
            produce: it is neither passed nor violated.
    """

    rule: Rule
    message: str
    decided: bool = True

    @property
    def mandatory(self) -> bool:
        """Whether it stops the change; of what is not decided, whether a strict judge must."""
        return self.rule.level is Level.MANDATORY


def evaluate(resource: Resource, rules: Iterable[Rule] = RULES) -> Iterator[Outcome]:
    """Yield what rules do not pass, in the order of the rules.

    A rule that found something wrong before it met a value that is not known yields both: the
    violations and that it is undecided. Rules that do not speak about the type yield nothing.
    """
    for rule in rules:
        if not rule.applies_to(resource):
            continue
        try:
            for message in rule.check(resource):
                yield Outcome(rule, message)
        except NotKnownYetError as missing:
            why = f"{missing} is not known before the update, or secret as a whole"
            yield Outcome(rule, why, decided=False)
