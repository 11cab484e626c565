"""Hold resources against the rules: each rule is passed, violated or undecided for a resource."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from infra.policy.resource import NotKnownYetError, Resource
from infra.policy.rule import Level, Rule
from infra.policy.rules import RULES


@dataclass(frozen=True)
class Passed:
    """A resource that is as a rule wants it.

    Attributes:
        rule: The rule.
    """

    rule: Rule


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
    """A rule that needs a value which only the update will produce: neither passed nor violated.

    Attributes:
        rule: The rule.
        path: Where the value is missing.
    """

    rule: Rule
    path: str

    @property
    def mandatory(self) -> bool:
        """Whether a strict judge must refuse the change."""
        return self.rule.level is Level.MANDATORY

    @property
    def why(self) -> str:
        """Why nothing can be said, in one sentence."""
        return f"{self.path} is not known before the update, or secret as a whole"


Outcome = Passed | Violation | Undecided


def judge(resource: Resource, rules: Iterable[Rule] = RULES) -> Iterator[Outcome]:
    """Yield every rule's outcome, in the order of the rules.

    A rule that found something wrong before it met a value that is not known yields both: the
    violations and that it is undecided. Rules that do not speak about the type yield nothing.
    """
    for rule in rules:
        if not rule.applies_to(resource):
            continue
        told = False
        try:
            for message in rule.check(resource):
                told = True
                yield Violation(rule, message)
        except NotKnownYetError as missing:
            told = True
            yield Undecided(rule, str(missing))
        if not told:
            yield Passed(rule)


def evaluate(resource: Resource, rules: Iterable[Rule] = RULES) -> Iterator[Violation | Undecided]:
    """What `judge` yields without what passed."""
    for outcome in judge(resource, rules):
        if not isinstance(outcome, Passed):
            yield outcome
