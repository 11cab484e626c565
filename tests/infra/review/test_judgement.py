"""What the policies say of a plan: the mandatory first, of everything that will exist."""

from __future__ import annotations

from typing import Any

import pytest

from infra import azure_facts
from infra.disclosure.mask import HIDDEN, Mask
from infra.policy.limits import Limits
from infra.policy.rule import Level
from infra.policy.rules import RULES
from infra.preview.plan import Op, State, Step
from infra.preview.untold import UNKNOWN
from infra.review.judgement import Finding, judge, of_the_key
from infra.review.key_change import KeyChange

RULE = {one.name: one for one in RULES}


def step(name: str, kind: str, new: dict[str, Any] | None, op: Op = Op.UPDATE) -> Step:
    after = None if new is None else State(new)
    return Step(op, f"urn:pulumi:dev::p::{kind}::{name}", kind, State({}), after)


def registry(name: str, admin: Any = True, location: str = "westeurope", **more: Any) -> Step:
    inputs = {"adminUserEnabled": admin, "location": location, "tags": {"a": "b"}, **more}
    return step(name, azure_facts.REGISTRY, inputs)


LIMITS = Limits(locations=frozenset({"westeurope"}), tags=frozenset({"owner"}))


def judged(*steps: Step, mask: Mask | None = None) -> tuple[list[Any], list[Any]]:
    found = judge(steps, LIMITS, mask or Mask())
    violations, undecided = ([(one.rule, one.resource) for one in each] for each in found)
    return violations, undecided


def test_the_mandatory_come_first_then_by_rule_and_resource() -> None:
    steps = [registry(name, location="moon") for name in ("b", "a")]
    storage = step("c", azure_facts.STORAGE_ACCOUNT, {"location": "moon"})
    violations, _ = judge([*steps, storage], LIMITS, Mask())
    order = [(not one.mandatory, one.rule, one.resource) for one in violations]
    assert order == sorted(order)
    assert {one.mandatory for one in violations} == {True, False}
    assert {("no-admin-account", "a"), ("no-admin-account", "b"), ("allowed-location", "c")} <= {
        (one.rule, one.resource) for one in violations
    }
    for one in violations:
        rule = RULE[one.rule]
        assert one.mandatory is (rule.level is Level.MANDATORY)
        assert one.description == rule.description
        assert one.message


def test_the_limits_are_those_of_the_caller() -> None:
    moon = Limits(locations=frozenset({"moon"}), tags=frozenset())
    for limits, rules in ((LIMITS, {"allowed-location"}), (moon, set())):
        violations, _ = judge([registry("r", False, location="moon")], limits, Mask())
        assert {one.rule for one in violations} & {"allowed-location"} == rules


def test_what_will_not_exist_is_not_judged_and_the_next_one_is() -> None:
    gone = step("gone", azure_facts.REGISTRY, None, Op.DELETE)
    violations, undecided = judged(gone, registry("stays"))
    assert ("no-admin-account", "stays") in violations
    assert "gone" not in {name for _, name in [*violations, *undecided]}


def test_a_rule_whose_value_is_not_known_is_open_and_says_why() -> None:
    violations, undecided = judge([registry("r", UNKNOWN)], LIMITS, Mask())
    (one,) = [each for each in undecided if each.rule == "no-admin-account"]
    assert one == Finding(
        "no-admin-account",
        RULE["no-admin-account"].description,
        True,
        "r",
        one.message,
    )
    assert "adminUserEnabled is not known before the update" in one.message
    assert "no-admin-account" not in [each.rule for each in violations]


def test_a_known_secret_is_in_neither_name_nor_message() -> None:
    mask = Mask.of(["open-sesame"])
    steps = [registry(f"r-{each}", location="open-sesame") for each in ("open-sesame", "b")]
    violations, undecided = judge(steps, LIMITS, mask)
    shown = [(one.resource, one.message) for one in (*violations, *undecided)]
    assert "open-sesame" not in str(shown)
    assert f"r-{HIDDEN}" in {name for name, _ in shown}
    assert any(HIDDEN in message for _, message in shown)


@pytest.mark.parametrize("allowed", [True, False])
def test_only_a_key_that_is_removed_breaks_the_rule_of_the_change_itself(allowed: bool) -> None:
    for key in (KeyChange.NONE, KeyChange.SET, KeyChange.CHANGED):
        assert list(of_the_key(key, "svc", allowed=allowed)) == []
    (one,) = of_the_key(KeyChange.REMOVED, "svc", allowed=allowed)
    assert (one.rule, one.resource) == ("endpoint-keeps-its-key", "svc")
    assert one.mandatory is (not allowed)
    assert "does not stop to" in one.description
    assert "--allow-open" in one.message
