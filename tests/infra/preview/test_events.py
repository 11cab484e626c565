"""A plan is read from both formats; what is neither is refused with its line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pulumi.runtime import rpc

from infra.preview import events
from infra.preview.engine import PreviewError
from infra.preview.plan import Diagnostic, Op, State, Step
from infra.preview.untold import SECRET, UNKNOWN

MARK = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
WIRE = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}
STACK = "pulumi:pulumi:Stack"


def step(op: str, urn: str = "p::t::x", old: Any = None, new: Any = None, **more: Any) -> Any:
    states = {
        side: None if inputs is None else {"custom": True, "inputs": inputs}
        for side, inputs in (("old", old), ("new", new))
    }
    return {"resourcePreEvent": {"metadata": {"op": op, "urn": urn, "type": "t", **states, **more}}}


def read(*lines: Any, end: str | None = "succeeded") -> Any:
    ends = [{"summaryEvent": {"result": end}}] if end else []
    return events.read("\n".join(json.dumps(line) for line in [*lines, *ends]))


@pytest.mark.parametrize(
    ("told", "op"),
    [
        ("same", Op.SAME),
        ("create", Op.CREATE),
        ("import", Op.CREATE),
        ("update", Op.UPDATE),
        ("delete", Op.DELETE),
        *(
            (name, Op.REPLACE)
            for name in (
                "replace",
                "create-replacement",
                "delete-replaced",
                "import-replacement",
                "read-replacement",
                "remove-pending-replace",
                "discard-replaced",
            )
        ),
    ],
)
def test_every_operation_of_pulumis_is_one_of_five(told: str, op: Op) -> None:
    (found,) = read(step(told, old={"a": 1}, new={"a": 2})).steps
    assert (found.op, found.urn, found.type, found.custom) == (op, "p::t::x", "t", True)
    assert (found.old is None) == (op is Op.CREATE)
    assert (found.new is None) == (op is Op.DELETE)


@pytest.mark.parametrize("told", ["read", "refresh", "something-new"])
def test_what_changes_nothing_is_left_out(told: str) -> None:
    assert read(step(told, old={}, new={})).steps == ()


def test_what_the_provider_tells_is_kept() -> None:
    (found,) = read(
        step(
            "replace",
            old={"a": 1},
            new={"a": 2},
            keys=["a.b", "c"],
            diffs=["a"],
            detailedDiff={
                "a.b": {"diffKind": "update-replace"},
                "c": {"kind": "add"},
                "d": {},
            },
        )
    ).steps
    assert found.kinds == {"a.b": "update-replace", "c": "add", "d": "update"}
    assert (found.replace_keys, found.changed_keys) == ({"a", "c"}, {"a"})


def test_marks_of_secrets_and_of_what_is_not_known_are_read_everywhere() -> None:
    (found,) = read(step("create", new={"a": [{"b": MARK}], "c": WIRE, "d": "x"})).steps
    assert found.new == State({"a": [{"b": UNKNOWN}], "c": SECRET, "d": "x"})
    # A state of nothing is a new resource's.
    assert read(step("create", old={"a": 1}, new={})).steps[0].old is None


@pytest.mark.parametrize(
    ("first", "second", "op"),
    [
        ("delete", "create", Op.REPLACE),
        ("create", "delete", Op.REPLACE),
        ("same", "update", Op.UPDATE),
        ("update", "same", Op.SAME),
        ("replace", "create", Op.REPLACE),
    ],
)
def test_steps_of_one_resource_are_one(first: str, second: str, op: Op) -> None:
    one = step(first, old={"a": 1}, new={"a": 2}, diffs=["x"], keys=["k"])
    other = step(second, old={"a": 3}, new={"a": 4}, diffs=["y"], detailedDiff={"z": {}})
    (found,) = read(one, other).steps
    assert found.op is op
    assert (found.changed_keys, found.replace_keys) == ({"x", "y"}, {"k"})
    assert found.kinds == {"z": "update"}
    old, new = found.old, found.new
    assert old
    assert old.inputs == ({"a": 3} if first == "create" else {"a": 1})
    assert new
    assert new.inputs == ({"a": 2} if second == "delete" else {"a": 4})


def test_steps_are_in_the_order_of_their_names() -> None:
    found = read(step("create", "p::b", new={}), step("create", "p::a", new={})).steps
    assert [one.name for one in found] == ["a", "b"]


def test_the_stack_is_no_step_and_has_the_outputs() -> None:
    outputs = {
        "resOutputsEvent": {
            "metadata": {
                "op": "update",
                "urn": "s",
                "type": STACK,
                "old": {"outputs": {"a": 1}},
                "new": {"outputs": {"a": MARK}},
            }
        }
    }
    made = read(step("create", type=STACK, new={}), outputs)
    assert (made.steps, made.outputs_before, made.outputs_after) == ((), {"a": 1}, {"a": UNKNOWN})
    assert not made.failed


@pytest.mark.parametrize(
    ("lines", "end", "failed"),
    [
        ([], "succeeded", False),
        ([], "failed", True),
        ([], None, True),
        ([{"diagnosticEvent": {"severity": "error", "message": "no"}}], "succeeded", True),
        ([{"diagnosticEvent": {"severity": "warning", "message": "no"}}], "succeeded", False),
    ],
)
def test_a_preview_that_did_not_come_to_its_end_failed(
    lines: list[Any], end: str | None, failed: bool
) -> None:
    assert read({"preludeEvent": {}}, *lines, end=end).failed is failed


def test_what_was_said_is_told_once_and_in_order() -> None:
    said = [
        {"severity": "warning", "message": "w", "urn": "u"},
        {"severity": "error", "message": "e"},
        {"severity": "error", "message": "e"},
    ]
    made = read(*({"diagnosticEvent": one} for one in said))
    assert made.diagnostics == (Diagnostic("error", "", "e"), Diagnostic("warning", "u", "w"))
    document = {"steps": [], "diagnostics": said}
    assert events.read(json.dumps(document)).diagnostics == made.diagnostics
    assert events.read(json.dumps(document)).failed
    document["diagnostics"] = said[:1]
    assert not events.read(json.dumps(document)).failed


def test_the_document_tells_the_same_but_for_the_new_outputs() -> None:
    state = {"type": "t", "custom": True, "inputs": {"a": 1}}
    document = {
        "steps": [
            {
                "op": "replace",
                "urn": "p::x",
                "oldState": state,
                "newState": {**state, "inputs": {"a": 2}},
                "replaceReasons": ["a"],
                "diffReasons": ["b"],
                "detailedDiff": {"a": {"kind": "update-replace"}},
            },
            {"op": "same", "urn": "s", "oldState": {"type": STACK, "outputs": {"o": 1}}},
            {"op": "delete", "urn": "p::y", "oldState": state},
        ]
    }
    made = events.read(json.dumps(document))
    assert made.steps == (
        Step(
            Op.REPLACE,
            "p::x",
            "t",
            State({"a": 1}),
            State({"a": 2}),
            kinds={"a": "update-replace"},
            replace_keys=frozenset({"a"}),
            changed_keys=frozenset({"b"}),
        ),
        Step(Op.DELETE, "p::y", "t", State({"a": 1})),
    )
    assert (made.outputs_before, made.outputs_after, made.failed) == ({"o": 1}, None, False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}\n\nno", "line 3 of the preview is not JSON; was it made by `pulumi preview --json`?"),
        ("{}\n[]", "line 2 of the preview is not an event of Pulumi's"),
        ("1", "line 1 of the preview is not an event of Pulumi's"),
    ],
)
def test_what_is_neither_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(PreviewError) as raised:
        events.read(text)
    assert str(raised.value) == said


@pytest.mark.parametrize(
    ("more", "op"),
    [
        ({"new": {"inputs": {}}}, Op.SAME),
        ({"new": {"inputs": {}}, "detailedDiff": {"a": {}}}, Op.UPDATE),
        ({"new": {"inputs": {}}, "diffs": ["a"]}, Op.UPDATE),
        ({"new": None}, Op.DELETE),
    ],
)
def test_what_a_refresh_read_is_held_against_the_state(more: dict[str, Any], op: Op) -> None:
    known = {"op": "refresh", "urn": "p::x", "type": "t", "old": {"inputs": {"a": 1}}, **more}
    lines = [
        {"resOutputsEvent": {"metadata": one}}
        for one in (known, {**known, "type": STACK}, {**known, "urn": "p::a", "op": "update"})
    ]
    found = events.refreshed("\n".join(map(json.dumps, [*lines, {"other": 1}])))
    assert [(one.urn, one.op) for one in found] == [("p::x", op)]


SIGNATURE = "4dabf18193072939515e22adb298388d"


@pytest.mark.parametrize(
    ("wire", "value"),
    [
        ({SIGNATURE: "asset", "hash": "abc"}, "abc"),
        ({SIGNATURE: "resource", "urn": "u"}, "u"),
        ({SIGNATURE: "other"}, "other"),
        ({"a": [{"b": 1, "__defaults": []}], "__defaults": ["a"]}, {"a": [{"b": 1}]}),
        ("[secret]", SECRET),
        (["[secret]", MARK], [SECRET, UNKNOWN]),
        (None, None),
        (1.5, 1.5),
    ],
)
def test_a_value_on_the_wire_is_what_a_reader_may_compare(wire: Any, value: Any) -> None:
    assert events.value(wire) == value


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"severity": "info#err", "message": "x"}, ()),
        ({"severity": "error#x", "message": " a\n"}, (Diagnostic("error", "", "a"),)),
        ({"severity": "error", "message": " "}, ()),
        ({"severity": "error", "message": "x", "ephemeral": True}, ()),
        ({"message": "x"}, ()),
    ],
)
def test_only_errors_and_warnings_that_stay_are_kept(event: Any, said: Any) -> None:
    assert read({"diagnosticEvent": event}).diagnostics == said


@pytest.mark.parametrize(
    ("kind", "mark"),
    [
        ("a truth", "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7"),
        ("a number", "3eeb2bf0-c639-47a8-9e75-3b44932eb421"),
        ("a text", rpc.UNKNOWN),
        ("a list", "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2"),
        ("an asset", "030794c1-ac77-496b-92df-f27374a8bd58"),
        ("an archive", "e48ece36-62e2-4504-bad9-02848725956a"),
        ("an object", "dd056dcd-154b-4c76-9bd3-c8f88648b5ff"),
    ],
)
def test_whatever_kind_of_value_is_not_known_is_not_known(kind: str, mark: str) -> None:
    """Pulumi's engine has a mark for each (`sdk/go/common/resource/plugin/rpc.go`)."""
    assert events.value({"a": mark}) == {"a": UNKNOWN}, kind


def autonamed(name: str, **annotations: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "annotations": annotations}}


def test_a_name_that_pulumi_invented_is_not_known_wherever_it_stands() -> None:
    mine = autonamed("mine", **{"pulumi.com/autonamed": "true"})
    lines = [
        step("create", "p::a", new=mine),
        step("replace", "p::b", old={}, new={"refers": [{"to": "mine"}], "other": "mine-too"}),
        step("delete", "p::c", old={"refers": "mine"}),
        step("update", "p::d", old=mine, new={"own": autonamed("kept")}),
    ]
    first, second, third, fourth = read(*lines).steps
    assert first.new
    assert first.new.inputs["metadata"]["name"] is UNKNOWN
    assert second.new
    assert second.new.inputs == {"refers": [{"to": UNKNOWN}], "other": "mine-too"}
    assert third.new is None
    assert fourth.new
    assert fourth.new.inputs == {"own": autonamed("kept")}


@pytest.mark.parametrize(
    ("op", "annotations"),
    [
        ("create", {"pulumi.com/autonamed": "false"}),
        ("create", {}),
        ("update", {"pulumi.com/autonamed": "true"}),
        ("same", {"pulumi.com/autonamed": "true"}),
    ],
)
def test_a_name_that_stays_is_known(op: str, annotations: dict[str, str]) -> None:
    named = autonamed("mine", **annotations)
    (found,) = read(step(op, old=named, new=named)).steps
    assert found.new
    assert found.new.inputs["metadata"]["name"] == "mine"


def test_what_groups_others_is_told_from_what_a_provider_manages() -> None:
    for custom in (True, False):
        side = {"custom": custom, "inputs": {}}
        for old, new in ((side, None), (None, side), ({"custom": not custom}, side)):
            op = "delete" if new is None else "update" if old else "create"
            told = {"op": op, "urn": "u", "type": "t", "old": old, "new": new}
            (found,) = read({"resourcePreEvent": {"metadata": told}}).steps
            assert found.custom is custom


def test_a_stack_of_which_nothing_is_told_has_no_outputs() -> None:
    for made in (read(), events.read('{"steps": []}')):
        assert (made.steps, made.outputs_before, made.outputs_after) == ((), {}, None)


def test_a_step_of_the_document_without_a_state_has_no_type() -> None:
    (found,) = events.read('{"steps": [{"op": "same", "urn": "p::x"}]}').steps
    assert (found.type, found.name, found.old, found.new) == ("", "x", None, None)


def test_a_state_tells_outputs_protection_and_what_it_belongs_to() -> None:
    old = {"inputs": {"a": MARK}, "outputs": {"b": [MARK]}, "protect": True, "parent": "p::up"}
    line = {"op": "delete", "urn": "p::x", "type": "t", "old": old}
    (found,) = read({"resourcePreEvent": {"metadata": line}}).steps
    assert found.old == State({"a": UNKNOWN}, {"b": [UNKNOWN]}, protected=True, parent="p::up")
    line["old"] = {"parent": None, "protect": None}
    (bare,) = read({"resourcePreEvent": {"metadata": line}}).steps
    assert bare.old == State()


def test_kubernetes_names_whole_paths_that_force() -> None:
    (found,) = read(step("replace", old={}, new={"a": 1}, keys=["spec.selector", "data.x"])).steps
    assert found.replace_keys == {"spec", "data"}
