"""Reads a plan from what `pulumi preview --json` writes.

Two formats exist: one JSON document, and, with PULUMI_ENABLE_STREAMING_JSON_PREVIEW, a JSON event a
line. Only the events tell the stack's outputs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from infra.preview import paths
from infra.preview.engine import PreviewError
from infra.preview.plan import Diagnostic, Op, Plan, State, Step
from infra.preview.untold import SECRET, UNKNOWN

STACK_TYPE = "pulumi:pulumi:Stack"

SIGNATURE = "4dabf18193072939515e22adb298388d"
"""An object with this key is special in Pulumi's wire format."""

SECRET_SIGNATURE = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  a marker, no secret
"""The value of that key in what is secret."""

_BLINDED = "[secret]"
_UNKNOWN = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
_AUTONAMED = ("metadata", "annotations", "pulumi.com/autonamed")
_OPS = {
    "same": Op.SAME,
    "create": Op.CREATE,
    "import": Op.CREATE,
    "update": Op.UPDATE,
    "delete": Op.DELETE,
    "replace": Op.REPLACE,
    "create-replacement": Op.REPLACE,
    "delete-replaced": Op.REPLACE,
    "import-replacement": Op.REPLACE,
    "read-replacement": Op.REPLACE,
    "remove-pending-replace": Op.REPLACE,
    "discard-replaced": Op.REPLACE,
}
"""Pulumi's operations; reading and refreshing change nothing and are left out."""


def read(text: str) -> Plan:
    """The plan in the output of `pulumi preview --json`, in either format.

    Raises:
        PreviewError: The text is neither.
    """
    try:
        document = json.loads(text)
    except ValueError:
        return _from_events(_events(text))
    if isinstance(document, dict) and ("steps" in document or "changeSummary" in document):
        return _from_document(document)
    return _from_events(_events(text))


def refreshed(text: str) -> tuple[Step, ...]:
    """What a preview with a refresh read before it compared, a step a resource, by URN.

    Against the state: what is gone is deleted, what differs is updated, all else is the same.

    Raises:
        PreviewError: The text is no events of Pulumi's.
    """
    steps: dict[str, Step] = {}
    for event in _events(text):
        metadata = (event.get("resOutputsEvent") or {}).get("metadata") or {}
        if metadata.get("op") != "refresh" or metadata.get("type") == STACK_TYPE:
            continue
        changed = metadata.get("detailedDiff") or metadata.get("diffs")
        op = "update" if changed else "same"
        for step in _step({**metadata, "op": op if metadata.get("new") else "delete"}):
            steps[step.urn] = step
    return tuple(steps[urn] for urn in sorted(steps))


def _events(text: str) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            event = json.loads(line)
        except ValueError as error:
            raise PreviewError(
                f"line {number} of the preview is not JSON; was it made by `pulumi preview --json`?"
            ) from error
        if not isinstance(event, dict):
            raise PreviewError(f"line {number} of the preview is not an event of Pulumi's")
        yield event


def _from_events(events: Iterable[Mapping[str, Any]]) -> Plan:
    steps: list[Step] = []
    before: Mapping[str, Any] = {}
    after: Mapping[str, Any] | None = None
    diagnostics: list[Diagnostic] = []
    ended = False
    for event in events:
        if "resourcePreEvent" in event:
            steps += _step(event["resourcePreEvent"]["metadata"])
        elif "resOutputsEvent" in event:
            metadata = event["resOutputsEvent"]["metadata"]
            if metadata.get("type") == STACK_TYPE:
                before = _state(metadata.get("old")).outputs
                after = _state(metadata.get("new")).outputs
        elif "diagnosticEvent" in event:
            diagnostics += _diagnostic(event["diagnosticEvent"])
        elif "summaryEvent" in event:
            ended = event["summaryEvent"].get("result", "succeeded") == "succeeded"
    failed = not ended or any(one.severity == "error" for one in diagnostics)
    return _plan(steps, before, after, diagnostics, failed)


def _from_document(document: Mapping[str, Any]) -> Plan:
    steps: list[Step] = []
    before: Mapping[str, Any] = {}
    for each in document.get("steps") or []:
        old, new = each.get("oldState"), each.get("newState")
        kind = str((new or old or {}).get("type", ""))
        if kind == STACK_TYPE:
            before = _state(old).outputs
        steps += _step(
            {
                "op": each["op"],
                "urn": each["urn"],
                "type": kind,
                "old": old,
                "new": new,
                "keys": each.get("replaceReasons"),
                "diffs": each.get("diffReasons"),
                "detailedDiff": each.get("detailedDiff"),
            }
        )
    diagnostics: list[Diagnostic] = []
    for each in document.get("diagnostics") or []:
        diagnostics += _diagnostic(each)
    failed = any(one.severity == "error" for one in diagnostics)
    return _plan(steps, before, None, diagnostics, failed)


def _plan(
    steps: Iterable[Step],
    before: Mapping[str, Any],
    after: Mapping[str, Any] | None,
    diagnostics: Iterable[Diagnostic],
    failed: bool,
) -> Plan:
    """One step a resource, everything in an order that does not depend on timing."""
    merged: dict[str, Step] = {}
    for step in steps:
        known = merged.get(step.urn)
        merged[step.urn] = step if known is None else _merge(known, step)
    found = _without_random_names([merged[urn] for urn in sorted(merged)])
    unique = sorted(set(diagnostics), key=lambda one: (one.severity, one.urn, one.message))
    return Plan(found, before, after, tuple(unique), failed)


def _without_random_names(steps: list[Step]) -> tuple[Step, ...]:
    """The steps with each name that Pulumi's Kubernetes provider invents as not known.

    Every preview invents another one, and the update one more.
    """
    names = {
        str(paths.at(step.new.inputs, ("metadata", "name")))
        for step in steps
        if step.op in {Op.CREATE, Op.REPLACE} and step.new
        if paths.at(step.new.inputs, _AUTONAMED) == "true"
    }
    if not names:
        return tuple(steps)
    return tuple(
        replace(step, new=replace(step.new, inputs=_unknown(step.new.inputs, names)))
        if step.new
        else step
        for step in steps
    )


def _unknown(tree: Any, texts: set[str]) -> Any:
    if isinstance(tree, Mapping):
        return {name: _unknown(each, texts) for name, each in tree.items()}
    if isinstance(tree, list):
        return [_unknown(each, texts) for each in tree]
    return UNKNOWN if isinstance(tree, str) and tree in texts else tree


def _merge(first: Step, second: Step) -> Step:
    """Deleting and creating the same resource is replacing it, in however many steps."""
    both = {first.op, second.op}
    op = Op.REPLACE if Op.REPLACE in both or both == {Op.DELETE, Op.CREATE} else second.op
    return replace(
        first,
        op=op,
        old=first.old or second.old,
        new=second.new or first.new,
        kinds={**first.kinds, **second.kinds},
        replace_keys=first.replace_keys | second.replace_keys,
        changed_keys=first.changed_keys | second.changed_keys,
    )


def _step(metadata: Mapping[str, Any]) -> Iterator[Step]:
    op = _OPS.get(metadata["op"])
    if op is None or metadata.get("type") == STACK_TYPE:
        return
    old, new = metadata.get("old"), metadata.get("new")
    yield Step(
        op=op,
        urn=metadata["urn"],
        type=metadata["type"],
        # Pulumi hands the old state of a new resource as an empty one.
        old=_state(old) if old and op is not Op.CREATE else None,
        new=_state(new) if new and op is not Op.DELETE else None,
        custom=bool((new or old or {}).get("custom")),
        kinds={
            path: str(each.get("diffKind") or each.get("kind") or "update")
            for path, each in (metadata.get("detailedDiff") or {}).items()
        },
        # Most providers name a property; Kubernetes' whole paths.
        replace_keys=frozenset(str(paths.parse(key)[0]) for key in metadata.get("keys") or ()),
        changed_keys=frozenset(metadata.get("diffs") or ()),
    )


def _state(state: Mapping[str, Any] | None) -> State:
    state = state or {}
    return State(
        inputs=value(state.get("inputs") or {}),
        outputs=value(state.get("outputs") or {}),
        protected=bool(state.get("protect")),
        parent=str(state.get("parent") or ""),
    )


def value(wire: Any) -> Any:
    """Pulumi's wire format to plain values, with marks for the secret and the unknown."""
    if isinstance(wire, Mapping):
        signature = wire.get(SIGNATURE)
        if signature == SECRET_SIGNATURE:
            return SECRET
        if signature is not None:
            # An asset, an archive or a reference: of no use to a reader but as changed or not.
            return str(wire.get("hash") or wire.get("urn") or signature)
        return {name: value(each) for name, each in wire.items() if name != "__defaults"}
    if isinstance(wire, list):
        return [value(each) for each in wire]
    if isinstance(wire, str):
        return UNKNOWN if wire in _UNKNOWN else SECRET if wire == _BLINDED else wire
    return wire


def _diagnostic(event: Mapping[str, Any]) -> Iterator[Diagnostic]:
    severity = str(event.get("severity", "")).partition("#")[0]
    message = str(event.get("message", "")).strip()
    if message and not event.get("ephemeral") and severity in {"error", "warning"}:
        yield Diagnostic(severity, str(event.get("urn") or ""), message)
