"""What changes of a resource, from its inputs and from what the provider tells."""

from __future__ import annotations

from typing import Any

import pytest

from infra.preview import changes
from infra.preview.paths import MISSING
from infra.preview.plan import Op, State, Step

LIST = [{"name": "one", "key": "x"}, {"key": "y"}]


def step(op: Op, old: Any, new: Any, **more: Any) -> Step:
    before, after = (None if each is None else State(each) for each in (old, new))
    return Step(op, "p::x", "t", before, after, **more)


def told(made: Step) -> list[tuple[Any, ...]]:
    return [(one.path, one.old, one.new, one.label, one.forces) for one in changes.of(made)]


def test_all_of_a_new_resource_is_new_and_all_of_a_deleted_one_goes() -> None:
    assert told(step(Op.CREATE, None, {"a": 1})) == [(("a",), MISSING, 1, "", False)]
    assert told(step(Op.DELETE, {"a": 1}, None)) == [(("a",), 1, MISSING, "", False)]


def test_changes_are_in_the_order_of_indices_and_names() -> None:
    old = {"b": list(range(12)), "a": 1}
    new = {"b": [one + 1 for one in range(12)], "a": 2}
    paths = [one[0] for one in told(step(Op.UPDATE, old, new))]
    assert paths == [("a",), *(("b", index) for index in range(12))]


def test_indices_are_told_before_names() -> None:
    made = step(Op.UPDATE, {"a": [1]}, {"a": [2]}, kinds={"a.b": "update"})
    assert [one[0] for one in told(made)] == [("a", 0), ("a", "b")]


def test_the_label_is_the_name_of_a_list_element_and_of_nothing_else() -> None:
    inputs = {"name": "top", "list": ["x", {"name": "in", "deep": {"name": "no", "key": 1}}]}
    for path, label in (("list[0]", ""), ("list[1].deep.key", "in"), ("list[1]", "in")):
        made = step(Op.UPDATE, inputs, inputs, kinds={path: "update"})
        assert [one[3] for one in told(made)] == [label]


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ({"kinds": {"list[0].key": "update"}}, [(("list", 0, "key"), "x", "x", "one", False)]),
        ({"kinds": {"list[1].key": "update"}}, [(("list", 1, "key"), "y", "y", "", False)]),
        ({"kinds": {"gone": "delete"}}, [(("gone",), MISSING, MISSING, "", False)]),
        ({"changed_keys": frozenset({"other"})}, [(("other",), 1, 1, "", False)]),
        ({"replace_keys": frozenset({"other"})}, [(("other",), 1, 1, "", False)]),
        (
            # The whole is not told beside its part.
            {"kinds": {"list[0].key": "update"}, "changed_keys": frozenset({"list"})},
            [(("list", 0, "key"), "x", "x", "one", False)],
        ),
    ],
)
def test_what_the_provider_tells_of_equal_inputs_is_a_change(
    more: dict[str, Any], found: list[Any]
) -> None:
    inputs = {"list": LIST, "other": 1}
    assert told(step(Op.UPDATE, inputs, inputs, **more)) == found
    assert told(step(Op.SAME, inputs, inputs, **more)) == []


@pytest.mark.parametrize(
    ("more", "forcing"),
    [
        ({"replace_keys": frozenset({"list"})}, [("list", 0, "key")]),
        ({"kinds": {"list[0].key": "update-replace"}}, [("list", 0, "key")]),
        ({"kinds": {"list": "update-replace"}}, [("list", 0, "key")]),
        (
            # The exact path, not all of the property that it is in.
            {
                "kinds": {"list[0].other": "add-replace", "list[0].key": "update"},
                "replace_keys": frozenset({"list"}),
            },
            [("list", 0, "other")],
        ),
        (
            {"kinds": {"list[0].key": "update-replace"}, "replace_keys": frozenset({"a"})},
            [("a",), ("list", 0, "key")],
        ),
        ({}, []),
    ],
)
def test_what_forces_a_replacement_is_told_exactly(
    more: dict[str, Any], forcing: list[Any]
) -> None:
    old = {"a": 1, "list": LIST}
    new = {"a": 2, "list": [{"name": "one", "key": "z"}, LIST[1]]}
    made = step(Op.REPLACE, old, new, **more)
    assert [one.path for one in changes.of(made) if one.forces] == forcing
    update = step(Op.UPDATE, old, new, **more)
    assert not any(one.forces for one in changes.of(update))


def test_what_is_not_settled_is_no_change() -> None:
    made = step(Op.UPDATE, {"a": 1, "b": 1}, {"a": 2, "b": 2}, unsettled=frozenset({("a",)}))
    assert [one.path for one in changes.of(made)] == [("b",)]


@pytest.mark.parametrize(
    ("one", "other", "related"),
    [
        (("a",), ("a", "b"), True),
        (("a", "b"), ("a",), True),
        (("a", 0), ("a", 0), True),
        (("a", 0), ("a", 1), False),
        (("a",), ("b",), False),
        ((), ("a",), True),
    ],
)
def test_a_path_is_related_to_what_it_leads_through(one: Any, other: Any, related: bool) -> None:
    assert changes.related(one, other) is related
