"""What state and update plan tell beside a preview: values, secrets, where they come from."""

from __future__ import annotations

import json
from typing import Any

from infra.azure_facts import CONTAINER_GROUP
from infra.preview import secret_lists
from infra.preview.plan import Op, Plan, State, Step
from infra.preview.secret_lists import Opened
from infra.preview.untold import SECRET

SIGNATURE = "4dabf18193072939515e22adb298388d"
MARK = "1b47061264138c4ac30d75fd1eb44270"
LIST = [{"name": "one", "secureValue": "hidden-one", "value": "open"}]


def secret(content: Any) -> dict[str, str]:
    return {SIGNATURE: MARK, "plaintext": json.dumps(content)}


def exported(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"deployment": {"resources": list(resources)}}


def planned(**goal: Any) -> dict[str, Any]:
    return {"resourcePlans": {"u": {"goal": goal}}}


def test_nothing_is_known_of_an_empty_stack_without_a_plan() -> None:
    for state in ({}, {"deployment": None}, {"deployment": {"resources": None}}):
        assert secret_lists.read(state, {}) == Opened()


def test_the_inputs_after_are_those_before_with_what_the_plan_changes() -> None:
    state = exported(
        {"urn": "u", "inputs": {"kept": 1, "gone": 2, "changed": 3}},
        {"urn": "old", "inputs": {"a": 1}, "delete": True},
        {"urn": "bare"},
    )
    update = planned(inputDiff={"deletes": ["gone"], "adds": {"new": 4}, "updates": {"changed": 5}})
    found = secret_lists.read(state, update)
    assert found.before == {"u": {"kept": 1, "gone": 2, "changed": 3}, "bare": {}}
    assert found.after == {"u": {"kept": 1, "new": 4, "changed": 5}}
    assert secret_lists.read(state, planned()).after == {"u": found.before["u"]}
    assert secret_lists.read({}, planned(inputDiff={"adds": {"a": 1}})).after == {"u": {"a": 1}}


def test_where_inputs_come_from_is_told_by_the_plan_before_the_state() -> None:
    state = exported(
        {"urn": "u", "propertyDependencies": {"a": ["x"]}},
        {"urn": "v", "propertyDependencies": {"b": None}},
        {"urn": "w", "propertyDependencies": None},
        {"urn": "untold"},
    )
    before = secret_lists.read(state, {}).sources
    assert before == {"u": {"a": {"x"}}, "v": {"b": frozenset()}, "w": {}}
    after = secret_lists.read(state, planned(propertyDependencies={"a": ["y", "z"]})).sources
    assert after == {**before, "u": {"a": {"y", "z"}}}
    assert secret_lists.read(state, planned(propertyDependencies=None)).sources == before


def test_every_secret_text_is_known_and_nothing_else() -> None:
    state = exported(
        {
            "urn": "u",
            "inputs": {
                "key": secret("a text"),
                "number": secret(7),
                "map": secret({"a": "in a map", "b": ["in its list"], "c": [{"d": "deep"}]}),
                "list": secret(LIST),
                "plain": "open",
                "secureValue": "by its name",
                "secureValueReference": "a reference",
                "lists": [{"secureValue": "in a plain list", "value": "open"}],
                "broken": {SIGNATURE: MARK, "plaintext": "{"},
                "blind": {SIGNATURE: MARK, "ciphertext": "x"},
            },
        }
    )
    found = secret_lists.read(state, planned(inputDiff={"adds": {"k": secret("of the plan")}}))
    assert found.secrets == {
        "a text",
        "in a map",
        "in its list",
        "deep",
        "hidden-one",
        "by its name",
        "a reference",
        "in a plain list",
        "of the plan",
    }
    # Whoever prints it prints none of them.
    assert "secrets" not in repr(found)
    assert [text for text in found.secrets if text in repr(found)] == []


def opened(inputs: dict[str, Any], known: Any, kind: str = CONTAINER_GROUP) -> Step:
    step = Step(Op.UPDATE, "u", kind, State(inputs), State(inputs))
    (found,) = secret_lists.open_lists(Plan((step,)), known).steps
    return found


def test_a_named_list_is_opened_and_its_secure_values_stay_marks() -> None:
    shown = [{"name": "one", "secureValue": SECRET, "value": "open"}]
    known = Opened({"u": {"containers": secret(LIST)}}, {"u": {"initContainers": secret(LIST)}})
    found = opened({"containers": SECRET, "initContainers": SECRET, "other": SECRET}, known)
    assert found.old == State({"containers": shown, "initContainers": SECRET, "other": SECRET})
    assert found.new == State({"containers": SECRET, "initContainers": shown, "other": SECRET})


def test_what_is_no_secret_list_of_a_group_stays_as_it_is() -> None:
    known = Opened({"u": {"containers": secret(LIST)}})
    for inputs, told, kind in (
        ({"containers": [1]}, known, CONTAINER_GROUP),
        ({"containers": SECRET}, known, "other"),
        ({"containers": SECRET}, Opened({"u": {"containers": secret("x")}}), CONTAINER_GROUP),
        ({"containers": SECRET}, Opened({"u": {"containers": LIST}}), CONTAINER_GROUP),
        ({"containers": SECRET}, Opened(), CONTAINER_GROUP),
    ):
        assert opened(inputs, told, kind).old == State(inputs)
    assert opened({}, known).old == State({})


def test_what_the_state_knows_and_is_made_has_vanished() -> None:
    steps = tuple(
        Step(op, urn, "t", new=State()) for op, urn in ((Op.CREATE, "u"), (Op.CREATE, "v"))
    )
    found = secret_lists.open_lists(Plan((*steps, Step(Op.UPDATE, "u", "t"))), Opened({"u": {}}))
    assert [one.vanished for one in found.steps] == [True, False, False]
