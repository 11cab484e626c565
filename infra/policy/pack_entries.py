"""The rules as policies of a CrossGuard pack."""

from __future__ import annotations

from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)

from infra.policy.resource import Resource
from infra.policy.rule import Rule
from infra.policy.rules import RULES

NAME = "sklearn-mnist-svc"


def policy_of(rule: Rule) -> ResourceValidationPolicy:
    """A rule as a policy; the engine itself skips what meets a value not known yet."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        resource = Resource(args.resource_type, args.props)
        if rule.applies_to(resource):
            for message in rule.check(resource):
                report(message, None)

    level = EnforcementLevel(str(rule.level))
    return ResourceValidationPolicy(rule.name, rule.description, validate, level)


def policy_pack() -> PolicyPack:
    """Every rule, handed to the engine that started this process."""
    return PolicyPack(NAME, [policy_of(rule) for rule in RULES])
