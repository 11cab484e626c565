"""Which properties change, down to the leaf."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from infra.preview import paths
from infra.preview.paths import MISSING
from infra.review.report import Report
from infra.review.resource_change import Row

Build = Callable[..., Report]
Make = Callable[..., Any]

KEYS = st.text(min_size=1, max_size=8).filter(lambda key: not key.isdigit())
TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


def rows(made: Report) -> list[tuple[str, str, str]]:
    return [(row.path, row.before, row.after) for row in made.changes[0].rows]


def test_a_nested_change_is_one_row_with_its_path(
    build: Build, group: Make, group_change: Make
) -> None:
    assert rows(build(group_change(group(), group(cpu=0.5)))) == [
        ("containers[0].resources.requests.cpu", "1", "0.5")
    ]


def test_an_added_and_a_removed_property_show_what_is_there(build: Build, step: Make) -> None:
    old = {"tags": {"a": "x", "b": "y"}}
    new = {"tags": {"b": "y", "c.d": "z"}}
    assert rows(build(step("update", "s", old=old, new=new))) == [
        ("tags.a", "x", "(none)"),
        ('tags["c.d"]', "(none)", "z"),
    ]


def test_a_variable_put_in_front_is_one_variable(
    build: Build, group: Make, group_change: Make
) -> None:
    new = group()
    variable = {"name": "SERVICE_DESCRIPTION", "value": "Predict"}
    new["containers"][0]["environmentVariables"].insert(0, variable)
    (change,) = build(group_change(group(), new)).changes
    assert [(row.path, row.label, row.after) for row in change.rows] == [
        (
            "containers[0].environmentVariables[0].name",
            "SERVICE_DESCRIPTION",
            "SERVICE_DESCRIPTION",
        ),
        ("containers[0].environmentVariables[0].value", "SERVICE_DESCRIPTION", "Predict"),
    ]


def test_a_changed_secret_is_told_by_the_provider_and_masked(
    build: Build, group: Make, group_change: Make
) -> None:
    path = "containers[0].environmentVariables[2].secureValue"
    made = build(group_change(group(), group(), diff={path: "update"}))
    assert rows(made) == [(path, "[secret]", "[secret]")]
    assert made.changes[0].rows[0].label == "SCORING_KEY"


def test_a_change_that_only_a_top_level_key_tells_is_not_lost(
    build: Build, step: Make, blind: dict[str, str]
) -> None:
    inputs = {"setting": {"password": blind}}
    made = build(step("update", "s", old=inputs, new=inputs, diffs=["setting"]))
    assert rows(made) == [("setting", "[hidden]", "[hidden]")]


def test_a_value_that_is_not_known_yet_says_so(build: Build, step: Make) -> None:
    unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    made = build(
        step("create", "z", new={}),
        step("update", "s", old={"location": "a"}, new={"location": unknown}),
    )
    assert rows(made) == [("location", "a", "(known after the update)")]


def test_a_text_that_looks_like_a_number_is_told_from_it(build: Build, step: Make) -> None:
    made = build(step("update", "s", old={"location": "1"}, new={"location": 1}))
    assert rows(made) == [("location", '"1"', "1")]


def test_a_component_is_no_resource_of_azures(build: Build, step: Make) -> None:
    event = step("create", "part", "sklearn-mnist-svc:infra:Registry", new={})
    event["resourcePreEvent"]["metadata"]["new"]["custom"] = False
    assert build(event).changes == ()


def test_changed_outputs_of_the_stack_are_shown(build: Build, outputs: Make) -> None:
    made = build(outputs({"fqdn": "a.example"}, {"fqdn": "b.example", "other": "x"}))
    assert made.outputs == (
        Row("fqdn", "", "a.example", "b.example", forces=False),
        Row("other", "", "(none)", "[hidden]", forces=False),
    )


@given(TREES)
def test_a_tree_does_not_differ_from_itself(tree: Any) -> None:
    assert list(paths.differences(tree, tree)) == []


@given(TREES, TREES)
def test_every_difference_is_a_leaf_of_its_tree(old: Any, new: Any) -> None:
    found = list(paths.differences(old, new))
    for one in found:
        if one.new is not MISSING:
            assert paths.at(new, one.path) == one.new
        elif one.old is not MISSING:
            assert paths.at(old, one.path) == one.old
    assert bool(found) == (not same(old, new))


def same(old: Any, new: Any) -> bool:
    """Equality that tells True from 1."""
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(same(old[key], new[key]) for key in old)
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(same, old, new))
    return type(old) is type(new) and old == new


@given(st.lists(KEYS | st.integers(0, 99), min_size=1, max_size=5))
def test_a_path_survives_being_written_and_read(steps: list[str | int]) -> None:
    assert paths.parse(paths.show(tuple(steps))) == tuple(steps)
