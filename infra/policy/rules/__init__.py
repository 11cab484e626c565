"""Every rule, in the order of reports."""

from __future__ import annotations

from infra.policy.rule import Rule
from infra.policy.rules import container_group, deployment, placement, stores

RULES: tuple[Rule, ...] = tuple(
    each
    for module in (stores, container_group, deployment, placement)
    for each in vars(module).values()
    if isinstance(each, Rule)
)
"""What these modules define, as they do."""

__all__ = ["RULES"]
