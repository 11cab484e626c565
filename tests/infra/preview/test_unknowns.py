"""Unknown is not changed: what a preview does not know is held against what was there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from infra.preview import changes
from infra.preview.plan import Op, Plan, State, Step
from infra.preview.unknowns import Sources, settle
from infra.preview.untold import UNKNOWN

IDENTITY, REGISTRY, ROLE, GROUP = "p::identity", "p::registry", "p::role", "p::group"
PRINCIPAL = "6f1c0d2e-0000-4000-8000-000000000001"
SOURCES: Sources = {
    IDENTITY: {},
    REGISTRY: {},
    ROLE: {"principalId": frozenset({IDENTITY}), "scope": frozenset({REGISTRY})},
    GROUP: {"containers": frozenset({REGISTRY}), "server": frozenset({REGISTRY})},
}


def step(
    urn: str,
    op: Op,
    old: Mapping[str, Any] | None,
    new: Mapping[str, Any] | None,
    outputs: Mapping[str, Any] | None = None,
    **more: Any,
) -> Step:
    before = None if old is None else State(old, {**old, **(outputs or {})})
    return Step(op, urn, "t", before, None if new is None else State(new), **more)


def identity(op: Op = Op.UPDATE, **new: Any) -> Step:
    old = {"name": "id", "location": "westeurope", "tags": {}}
    new = {**old, "tags": {"team": "blue"}, **new}
    keys = frozenset({"location"}) if op is Op.REPLACE else frozenset()
    return step(IDENTITY, op, old, new, {"principalId": PRINCIPAL}, replace_keys=keys)


def role(new: Mapping[str, Any] | None = None, **more: Any) -> Step:
    old = {"principalId": PRINCIPAL, "scope": "/r/ID"}
    told: dict[str, Any] = {
        "kinds": {"principalId": "update-replace"},
        "replace_keys": frozenset({"principalId"}),
        "changed_keys": frozenset({"principalId"}),
    }
    return step(
        ROLE, Op.REPLACE, old, {**old, "principalId": UNKNOWN, **(new or {})}, **told, **more
    )


def settled(*steps: Step, sources: Sources = SOURCES) -> dict[str, Step]:
    return {one.urn: one for one in settle(Plan(steps), sources).steps}


@pytest.mark.parametrize("sources", [SOURCES, {}], ids=["told", "untold"])
def test_a_role_of_an_identity_that_is_only_tagged_stays(sources: Sources) -> None:
    found = settled(identity(), role(), sources=sources)
    assert (found[IDENTITY].op, found[ROLE].op) == (Op.UPDATE, Op.SAME)
    after = found[ROLE].new
    assert after
    assert after.inputs["principalId"] == PRINCIPAL
    assert found[ROLE].unsettled == frozenset()


@pytest.mark.parametrize("sources", [SOURCES, {}], ids=["told", "untold"])
def test_a_role_of_an_identity_that_is_replaced_is_replaced(sources: Sources) -> None:
    found = settled(identity(Op.REPLACE, location="northeurope"), role(), sources=sources)
    assert (found[IDENTITY].op, found[ROLE].op) == (Op.REPLACE, Op.REPLACE)
    assert [one.path for one in changes.of(found[ROLE])] == [("principalId",)]


def test_what_another_property_forces_is_replaced_all_the_same() -> None:
    forced = role({"scope": "/other"})
    forced = Step(
        **{
            **vars(forced),
            "kinds": {"principalId": "update-replace", "scope": "update-replace"},
            "replace_keys": frozenset({"principalId", "scope"}),
        }
    )
    found = settled(identity(), forced)
    assert found[ROLE].op is Op.REPLACE
    assert [(one.path, one.forces) for one in changes.of(found[ROLE])] == [(("scope",), True)]


def test_a_real_change_beside_an_unknown_one_is_an_update_in_place() -> None:
    found = settled(identity(), role({"tags": {"a": "b"}}))
    assert found[ROLE].op is Op.UPDATE
    assert [one.path for one in changes.of(found[ROLE])] == [("tags", "a")]


def test_replacements_that_follow_from_each_other_are_found_through_the_chain() -> None:
    registry = step(
        REGISTRY, Op.REPLACE, {"name": "a"}, {"name": UNKNOWN}, replace_keys=frozenset({"name"})
    )
    sources = {**SOURCES, REGISTRY: {"name": frozenset({IDENTITY})}}
    assert settled(identity(), registry, sources=sources)[REGISTRY].op is Op.SAME
    moved = settled(identity(Op.REPLACE, location="x"), registry, sources=sources)
    assert moved[REGISTRY].op is Op.REPLACE


def group(image: Any, old_image: str = "cr.example/svc@sha256:1") -> Step:
    old = {"containers": [{"name": "scoring", "image": old_image}], "server": "cr.example"}
    new = {"containers": [{"name": "scoring", "image": image}], "server": UNKNOWN}
    kinds = {"containers[0].image": "update", "server": "update"}
    return step(GROUP, Op.UPDATE, old, new, kinds=kinds, changed_keys=frozenset(["containers"]))


def registry() -> Step:
    old, new = {"sku": "Basic"}, {"sku": "Standard"}
    return step(REGISTRY, Op.UPDATE, old, new, {"loginServer": "cr.example"})


def test_a_value_that_was_no_output_of_its_source_is_neither_changed_nor_unchanged() -> None:
    """An image is made of the registry's host and of a setting: the setting may have changed."""
    found = settled(registry(), group(UNKNOWN))[GROUP]
    assert found.op is Op.SAME
    assert found.unsettled == {("containers", 0, "image")}
    assert found.new
    assert found.new.inputs["server"] == "cr.example"
    assert found.new.inputs["containers"][0]["image"] is UNKNOWN
    assert changes.of(found) == []


def test_an_image_that_is_known_is_a_change_of_its_own() -> None:
    found = settled(registry(), group("cr.example/svc@sha256:2"))[GROUP]
    assert found.op is Op.UPDATE
    assert [one.path for one in changes.of(found)] == [("containers", 0, "image")]


def test_an_output_of_a_property_that_really_changes_is_not_held() -> None:
    """`loginServer` would change with it: that it was an output says nothing any more."""
    source = step(
        REGISTRY, Op.UPDATE, {"loginServer": "cr.example"}, {"loginServer": "other.example"}
    )
    found = settled(source, group("cr.example/svc@sha256:1"))[GROUP]
    assert found.unsettled == {("server",)}


def test_what_the_provider_tells_of_a_secret_is_kept() -> None:
    old = {"containers": [{"name": "a", "key": "x"}], "server": "cr.example"}
    new = {"containers": [{"name": "a", "key": "x"}], "server": UNKNOWN}
    told = step(GROUP, Op.UPDATE, old, new, kinds={"containers[0].key": "update"})
    found = settled(registry(), told)[GROUP]
    assert found.op is Op.UPDATE
    assert [one.path for one in changes.of(found)] == [("containers", 0, "key")]


def test_outputs_of_the_stack_stay_where_nothing_moves() -> None:
    outputs = {"server": "cr.example", "uri": "http://cr.example:5001/score", "other": "x"}
    after = dict.fromkeys(outputs, UNKNOWN)
    plan = Plan((registry(),), outputs, after)
    assert settle(plan, SOURCES).outputs_after == {**outputs, "other": UNKNOWN}
    moved = Plan((registry(), identity(Op.REPLACE, location="x")), outputs, after)
    assert settle(moved, SOURCES).outputs_after == after


def test_an_address_is_not_held_where_its_property_changes() -> None:
    old, new = {"address": {"label": "a"}}, {"address": {"label": "b"}}
    source = step(GROUP, Op.UPDATE, old, new, {"address": {"label": "a", "fqdn": "a.example"}})
    plan = Plan((source,), {"fqdn": "a.example"}, {"fqdn": UNKNOWN})
    assert settle(plan, {}).outputs_after == {"fqdn": UNKNOWN}


def test_what_was_unknown_inside_of_a_property_is_held_where_it_was() -> None:
    old = {"server": {"host": "cr.example", "port": 1, "more": ["cr.example"]}}
    new = {"server": {"host": UNKNOWN, "port": 1, "more": [UNKNOWN, UNKNOWN]}}
    found = settled(registry(), step(GROUP, Op.UPDATE, old, new))[GROUP]
    assert found.new
    assert found.new.inputs["server"] == {
        "host": "cr.example",
        "port": 1,
        "more": ["cr.example", UNKNOWN],
    }
    assert found.unsettled == {("server", "more", 1)}
    assert found.op is Op.SAME


def test_a_property_that_was_of_another_shape_is_not_held() -> None:
    for was in ("cr.example", ["cr.example"], {"other": "cr.example"}):
        new = {"server": {"host": UNKNOWN}}
        found = settled(registry(), step(GROUP, Op.UPDATE, {"server": was}, new))[GROUP]
        assert found.new
        assert found.new.inputs["server"] == {"host": UNKNOWN}


@pytest.mark.parametrize("op", [Op.CREATE, Op.DELETE, Op.SAME])
def test_only_what_is_updated_or_replaced_is_settled(op: Op) -> None:
    made = step(GROUP, op, {"server": "cr.example"}, {"server": UNKNOWN})
    assert settled(registry(), made)[GROUP] == made


def test_the_text_of_an_output_is_compared_without_its_case_and_only_of_its_sources() -> None:
    made = step(GROUP, Op.UPDATE, {"server": "CR.example"}, {"server": UNKNOWN})
    for sources, held in ((SOURCES, True), ({}, True), ({GROUP: {}}, False)):
        found = settled(registry(), made, sources=sources)[GROUP]
        assert found.unsettled == (frozenset() if held else {("server",)})


def bare(urn: str, old: Mapping[str, Any], new: Mapping[str, Any], **more: Any) -> Step:
    """An update of a resource that gives nothing."""
    return Step(more.pop("op", Op.UPDATE), urn, "t", State(old), State(new), **more)


@pytest.mark.parametrize("sources", [SOURCES, {}], ids=["told", "untold"])
def test_what_nobody_gave_is_not_settled(sources: Sources) -> None:
    made = bare(GROUP, {"server": "elsewhere.example"}, {"server": UNKNOWN})
    assert settled(registry(), made, sources=sources)[GROUP].unsettled == {("server",)}


def test_a_resource_is_no_source_of_its_own() -> None:
    made = step(GROUP, Op.UPDATE, {"server": "own.example"}, {"server": UNKNOWN})
    assert settled(registry(), made, sources={})[GROUP].unsettled == {("server",)}


def test_what_comes_from_something_that_moves_is_as_the_engine_says_and_the_rest_settled() -> None:
    old, new = {"a": "x", "b": "y"}, {"a": UNKNOWN, "b": UNKNOWN}
    kinds = {"a": "update-replace", "b": "update-replace"}
    keys = frozenset(kinds)
    made = bare(GROUP, old, new, op=Op.REPLACE, kinds=kinds, replace_keys=keys, changed_keys=keys)
    sources = {GROUP: {"a": frozenset({IDENTITY}), "b": frozenset({REGISTRY})}}
    moved = identity(Op.REPLACE, location="northeurope")
    found = settled(moved, registry(), made, sources=sources)[GROUP]
    assert found.op is Op.REPLACE
    assert found.kinds == {"a": "update-replace"}
    assert (found.replace_keys, found.changed_keys) == ({"a"}, {"a"})
    assert found.unsettled == {("b",)}


def test_what_is_told_beside_something_unknown_in_one_property_is_kept() -> None:
    old = {"containers": [{"name": "a", "key": "x", "image": "i"}]}
    new = {"containers": [{"name": "a", "key": "x", "image": UNKNOWN}]}
    kinds = {"containers[0].key": "update", "containers[0].image": "update"}
    found = settled(registry(), bare(GROUP, old, new, kinds=kinds))[GROUP]
    assert found.op is Op.UPDATE
    assert found.kinds == {"containers[0].key": "update"}


@pytest.mark.parametrize(("image", "kept"), [("j", True), ("i", False)])
def test_a_top_level_property_is_told_where_something_in_it_really_changes(
    image: str, kept: bool
) -> None:
    old = {"containers": [{"name": "a", "image": "i", "other": "o"}]}
    new = {"containers": [{"name": "a", "image": image, "other": UNKNOWN}]}
    keys = frozenset({"containers", "elsewhere"})
    found = settled(registry(), bare(GROUP, old, new, changed_keys=keys))[GROUP]
    assert found.changed_keys == ({"containers", "elsewhere"} if kept else {"elsewhere"})


def test_a_replacement_for_which_no_reason_is_told_stays_one() -> None:
    made = bare(GROUP, {"server": "x"}, {"server": UNKNOWN}, op=Op.REPLACE)
    assert settled(registry(), made)[GROUP].op is Op.REPLACE


def test_each_property_forces_by_what_is_told_of_itself() -> None:
    old, new = {"a": "x", "b": 1, "c": 1}, {"a": UNKNOWN, "b": 2, "c": 1}
    more: dict[str, Any] = {
        "kinds": {"a": "update-replace"},
        "replace_keys": frozenset({"a", "b", "c"}),
    }
    found = settled(registry(), bare(GROUP, old, new, op=Op.REPLACE, **more))[GROUP]
    assert found.op is Op.REPLACE
    # Of what is known the engine's word counts, though nothing of it is seen to change.
    assert found.replace_keys == {"b", "c"}


@pytest.mark.parametrize("was", ["cr.example", {"a": "cr.example"}, None])
def test_a_list_that_was_none_is_not_held(was: Any) -> None:
    for old in ({"server": was}, {}):
        found = settled(registry(), bare(GROUP, old, {"server": [UNKNOWN]}))[GROUP]
        assert found.new
        assert found.new.inputs["server"] == [UNKNOWN]


def test_an_output_whose_property_is_only_unknown_is_held_through_the_chain() -> None:
    sources = {
        REGISTRY: {"host": frozenset({IDENTITY})},
        GROUP: {"server": frozenset({REGISTRY})},
    }
    middle = step(REGISTRY, Op.UPDATE, {"host": "cr.example"}, {"host": UNKNOWN})
    made = bare(GROUP, {"server": "cr.example"}, {"server": UNKNOWN})
    found = settled(identity(), middle, made, sources=sources)
    assert found[GROUP].op is Op.SAME
    assert found[GROUP].unsettled == frozenset()


def test_an_output_of_the_stack_is_held_only_where_all_that_it_is_made_of_stays() -> None:
    source = step(REGISTRY, Op.UPDATE, {"sku": "a"}, {"sku": "b"}, {"host": "cr.example", "id": 1})
    other = step(GROUP, Op.UPDATE, {"part": "score-a"}, {"part": "score-b"})
    outputs = {"all": "CR.example/score-a", "one": "CR.example/x", "short": "id", "number": 7}
    plan = Plan((source, other), outputs, dict.fromkeys(outputs, UNKNOWN) | {"new": "n"})
    after = settle(plan, SOURCES).outputs_after
    assert after == {
        "all": UNKNOWN,
        "one": "CR.example/x",
        "short": UNKNOWN,
        "number": UNKNOWN,
        "new": "n",
    }


def test_an_output_of_fewer_than_six_letters_is_in_too_many_texts_to_count() -> None:
    for given, held in (("abcde", False), ("abcdef", True)):
        source = step(REGISTRY, Op.UPDATE, {"sku": "a"}, {"sku": "b"}, {"host": given})
        plan = Plan((source,), {"uri": f"http://{given}"}, {"uri": UNKNOWN})
        assert (settle(plan, {}).outputs_after == {"uri": f"http://{given}"}) is held
