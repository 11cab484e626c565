"""One preview with a refresh tells both what the cloud and what the program has changed."""

from __future__ import annotations

import json
from typing import Any

from infra.drift import cloud
from infra.drift.cloud import Told
from infra.preview.command import Preview
from infra.preview.plan import Op
from infra.preview.secret_lists import Opened

URN = "urn:pulumi:dev::p::azure-native:storage:StorageAccount::storage"
KIND = "azure-native:storage:StorageAccount"


def told(
    state: dict[str, Any] | None,
    actual: dict[str, Any] | None,
    declared: dict[str, Any] | None,
    change: str = "update",
) -> Told:
    """Both plans of one resource with these inputs; None where it is not."""

    def side(inputs: dict[str, Any] | None) -> dict[str, Any] | None:
        return None if inputs is None else {"inputs": inputs, "outputs": inputs, "custom": True}

    def event(name: str, op: str, old: Any, new: Any) -> dict[str, Any]:
        found = {key: {} for key in {*(old or {}), *(new or {})}
                 if (old or {}).get(key) != (new or {}).get(key)}  # fmt: skip
        detailed = found if old is not None and new is not None else {}
        metadata = {"op": op, "urn": URN, "type": KIND, "old": side(old), "new": side(new)}
        return {name: {"metadata": {**metadata, "detailedDiff": detailed}}}

    events = []
    if state is not None:
        events.append(event("resourcePreEvent", "refresh", state, state))
        events.append(event("resOutputsEvent", "refresh", state, actual))
    if actual is None and declared is not None:
        events.append(event("resourcePreEvent", "create", None, declared))
    elif declared is None and actual is not None:
        events.append(event("resourcePreEvent", "delete", actual, None))
    elif declared is not None:
        op = "same" if actual == declared else change
        events.append(event("resourcePreEvent", op, actual, declared))
    events.append({"summaryEvent": {"result": "succeeded"}})
    text = "\n".join(json.dumps(each) for each in events)
    return cloud.part(Preview(text, Opened()), Opened())


def ops(found: Told) -> tuple[list[Op], list[Op]]:
    """What the cloud and the program do to the state."""
    return [one.op for one in found.cloud.steps], [one.op for one in found.program.steps]


A, B, C = ({"accessTier": tier} for tier in ("Hot", "Cool", "Cold"))


def test_a_change_of_the_cloud_is_none_of_the_program() -> None:
    assert ops(told(A, A, A)) == ([Op.SAME], [Op.SAME])
    assert ops(told(A, B, A)) == ([Op.UPDATE], [Op.SAME])


def test_a_change_of_the_program_is_none_of_the_cloud() -> None:
    assert ops(told(A, A, B)) == ([Op.SAME], [Op.UPDATE])


def test_a_change_of_both_is_found_twice_against_the_state() -> None:
    for declared in (B, C):
        found = told(A, B, declared)
        assert ops(found) == ([Op.UPDATE], [Op.UPDATE])
        (step,) = found.program.steps
        assert step.old is not None
        assert (step.old.inputs, step.kinds) == (A, {})


def test_a_replacement_is_one_where_the_cloud_is_as_the_provider_compared_it() -> None:
    assert ops(told(A, A, B, "replace")) == ([Op.SAME], [Op.REPLACE])
    (step,) = told(A, A, B, "replace").program.steps
    assert step.old is not None
    assert step.old.inputs == A
    # What it said of another pair is not believed.
    assert ops(told(A, C, B, "replace")) == ([Op.UPDATE], [Op.UPDATE])
    assert ops(told(A, B, A, "replace")) == ([Op.UPDATE], [Op.SAME])


def test_what_is_gone_from_the_cloud_is_missing_there_and_not_from_the_state() -> None:
    assert ops(told(A, None, A)) == ([Op.DELETE], [Op.SAME])


def test_what_is_new_or_declared_no_more_is_the_programs() -> None:
    assert ops(told(None, None, A)) == ([], [Op.CREATE])
    assert ops(told(A, A, None)) == ([Op.SAME], [Op.DELETE])


def test_the_answers_are_what_was_read_and_not_what_was_known() -> None:
    assert told(A, B, A).answers == {URN: B}
    assert told(A, None, A).answers == {}
