"""What stops an update half-way is told by what the plan alone says, before anything is touched."""

from __future__ import annotations

import re
from typing import Any

import pytest

from infra.azure_facts import LOG_ANALYTICS, ML_WORKSPACE, STORAGE_ACCOUNT, VAULT
from infra.preview.plan import Diagnostic, Op, Plan, State, Step
from infra.preview.untold import UNKNOWN
from infra.review.obstacles import Obstacle, obstacles

HELD = [(VAULT, "vaultName"), (ML_WORKSPACE, "workspaceName"), (LOG_ANALYTICS, "workspaceName")]
GONE = HELD[:2]


def step(op: Op, name: str, kind: str = VAULT, **more: Any) -> Step:
    sides = {
        side: State(more.pop(side), protected=more.pop("protected", False))
        for side in ("old", "new")
        if side in more
    }
    return Step(op, f"urn:pulumi:dev::p::{kind}::{name}", kind, **sides, **more)


def found(*steps: Step, **more: Any) -> list[Obstacle]:
    return list(obstacles(Plan(steps, **more)))


def told(*steps: Step) -> list[tuple[str, str, bool]]:
    """(resource, the name it cannot have, whether nothing is touched) of each."""
    return [(one.resource, one.name, one.first) for one in found(*steps)]


@pytest.mark.parametrize(("kind", "key"), HELD)
def test_a_name_is_held_by_what_is_destroyed_and_by_nothing_else(kind: str, key: str) -> None:
    old, same, other = {key: "Name1"}, {key: "nAME1"}, {key: "name2"}
    assert told(step(Op.REPLACE, "a", kind, old=old, new=same)) == [("a", "nAME1", False)]
    assert told(step(Op.REPLACE, "a", kind, old=old, new=other)) == []
    assert "put the setting back" in found(step(Op.REPLACE, "a", kind, old=old, new=same))[0].remedy
    gone, come = step(Op.DELETE, "a", kind, old=old), step(Op.CREATE, "b", kind, new=same)
    assert told(gone, come) == told(come, gone) == [("b", "nAME1", False)]
    assert told(gone, step(Op.CREATE, "b", kind, new=other)) == []
    assert told(gone) == told(come) == []
    stays = step(Op.UPDATE, "a", kind, old=old, new=old)
    assert told(stays, come) == []
    assert told(gone, step(Op.SAME, "b", kind, old=same, new=same)) == []


def test_a_name_is_held_among_resources_of_one_type() -> None:
    gone = step(Op.DELETE, "a", ML_WORKSPACE, old={"workspaceName": "x"})
    come = step(Op.CREATE, "b", LOG_ANALYTICS, new={"workspaceName": "x"})
    assert told(gone, come) == []
    storage = {"accountName": "x", "vaultName": "x"}
    assert told(step(Op.REPLACE, "s", STORAGE_ACCOUNT, old=storage, new=storage)) == []


@pytest.mark.parametrize("name", [UNKNOWN, None, ""])
def test_a_name_that_is_not_told_is_not_taken_for_another_one(name: Any) -> None:
    inputs = {"vaultName": name}
    assert told(step(Op.REPLACE, "a", old=inputs, new=inputs)) == []
    assert told(step(Op.REPLACE, "a", old={"vaultName": "x"}, new=inputs)) == []


def test_a_component_holds_no_name() -> None:
    inputs = {"vaultName": "x"}
    assert told(step(Op.REPLACE, "a", old=inputs, new=inputs, custom=False)) == []
    assert told(step(Op.DELETE, "a", old=inputs, protected=True, custom=False)) == []


@pytest.mark.parametrize(("kind", "key"), GONE)
def test_what_vanished_and_holds_its_name_is_to_be_brought_back(kind: str, key: str) -> None:
    vanished = [
        step(Op.CREATE, name, kind, new={key: each}, vanished=True)
        for name, each in (("a", "x1"), ("b", UNKNOWN))
    ]
    storage = step(Op.CREATE, "s", STORAGE_ACCOUNT, new={"accountName": "x"}, vanished=True)
    new = step(Op.CREATE, "c", kind, new={key: "x3"})
    gone = step(Op.DELETE, "d", kind, old={key: "x3"})
    one, other, third = found(storage, *vanished, new, gone)
    assert [each.resource for each in (one, other, third)] == ["a", "b", "c"]
    assert (one.name, other.name, third.name) == ("x1", "", "x3")
    assert "x1" in one.remedy
    assert re.search(r"\bNAME\b", other.remedy)
    assert "it was deleted and stays soft-deleted" in one.why
    assert "the deleted" in third.why


def test_only_what_vanished_is_brought_back() -> None:
    assert told(step(Op.UPDATE, "a", old={"vaultName": "x"}, new={"vaultName": "y"})) == []
    assert told(step(Op.CREATE, "a", new={"vaultName": "x"})) == []


@pytest.mark.parametrize(
    ("op", "new", "stopped"),
    [
        (Op.DELETE, False, True),
        (Op.REPLACE, True, True),
        (Op.UPDATE, True, False),
        (Op.SAME, True, False),
    ],
)
def test_what_is_protected_is_not_destroyed(op: Op, new: bool, stopped: bool) -> None:
    more = {"new": {"a": 2}} if new else {}
    one = step(op, "s", STORAGE_ACCOUNT, old={"a": 1}, protected=True, **more)
    assert told(one) == ([("s", "", True)] if stopped else [])
    assert told(step(op, "s", STORAGE_ACCOUNT, old={"a": 1}, **more)) == []
    if stopped:
        (obstacle,) = found(one)
        assert obstacle.why == f"it is protected and would be {op}d"
        assert "`protect: false`" in obstacle.remedy


def test_a_protection_and_a_held_name_are_both_told() -> None:
    inputs = {"vaultName": "x"}
    one = step(Op.REPLACE, "v", old=inputs, new=inputs, protected=True)
    assert told(one) == [("v", "", True), ("v", "x", False)]


def test_what_stopped_the_preview_comes_first_and_every_word_of_it_counts() -> None:
    urns = [f"urn:pulumi:dev::p::t::{name}" for name in ("a", "b", "c")]
    said = [
        f'unable to delete resource "{urns[0]}" as it is currently marked for protection',
        f'unable to replace resource "{urns[1]}"\nas it is currently marked for protection',
        f'resource "{urns[2]}" cannot be deleted because it is protected',
        f'resource "{urns[2]}" has a problem. It is protected',
    ]
    more = tuple(Diagnostic("error", "", each) for each in said)
    inputs = {"vaultName": "x"}
    assert [
        (one.resource, one.name, one.why.split()[-1], one.first)
        for one in found(step(Op.REPLACE, "v", old=inputs, new=inputs), diagnostics=more)
    ] == [
        ("a", "", "deleted", True),
        ("b", "", "replaced", True),
        ("c", "", "deleted", True),
        ("v", "x", "days", False),
    ]
    assert "`protect: false`" in found(diagnostics=more)[0].remedy
