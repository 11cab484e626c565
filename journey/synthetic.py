"""A stack of any size, and a `pulumi` that tells of it: what the tools themselves cost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

PROJECT, STACK = "synthetic", "large"
TYPE = "azure-native:storage:StorageAccount"
_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 (the mark of what is secret)
_STACK_URN = f"urn:pulumi:{STACK}::{PROJECT}::pulumi:pulumi:Stack::{PROJECT}-{STACK}"
_ASKED = {
    "config": "config",
    "preview": "preview",
    "whoami": "whoami",
    "stack ls": "stacks",
    "stack export": "state",
}


def write(folder: Path, resources: int) -> Path:
    """Write a project with so many storage accounts, each with a secret of its own.

    Each tenth has an update in the preview, and another value in the cloud.

    Returns:
        The folder of its `pulumi`, to be put first on PATH.
    """
    program = folder / "bin" / "pulumi"
    program.parent.mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n")
    states = [_state(number) for number in range(resources)]
    stack = {"urn": _STACK_URN, "type": "pulumi:pulumi:Stack", "custom": False, "outputs": {}}
    content: dict[str, str] = {
        "config": "{}",
        "whoami": json.dumps({"user": "nobody", "url": "https://api.pulumi.com/nobody"}),
        "stacks": json.dumps([{"name": STACK, "current": True}]),
        "state": json.dumps({"version": 3, "deployment": {"resources": [stack, *states]}}),
        "preview": _events(states),
    }
    for name, text in content.items():
        (folder / name).write_text(text)
    cases = "\n".join(
        f"  '{asked} '*) exec cat '{folder / name}' ;;" for asked, name in _ASKED.items()
    )
    program.write_text(f'#!/bin/sh\ncase "$* " in\n{cases}\nesac\nexit 1\n')
    program.chmod(0o755)
    return program.parent


def _state(number: int) -> dict[str, Any]:
    name = f"account{number:05}"
    inputs = {
        "accountName": name,
        "resourceGroupName": "large",
        "location": "westeurope",
        "kind": "StorageV2",
        "sku": {"name": "Standard_LRS"},
        "allowBlobPublicAccess": False,
        "minimumTlsVersion": "TLS1_2",
        "tags": {
            "number": str(number),
            "note": {_SIGNATURE: _SECRET, "plaintext": json.dumps(f"a secret of {number}")},
        },
    }
    group = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/large"
    identity = f"{group}/providers/Microsoft.Storage/storageAccounts/{name}"
    return {
        "urn": f"urn:pulumi:{STACK}::{PROJECT}::{TYPE}::{name}",
        "type": TYPE,
        "custom": True,
        "id": identity,
        "inputs": inputs,
        "outputs": {**inputs, "id": identity, "provisioningState": "Succeeded"},
    }


def _events(states: list[dict[str, Any]]) -> str:
    """What `pulumi preview --refresh --json` tells, an event a line: what was read, the plan."""
    read: list[dict[str, Any]] = []
    planned: list[dict[str, Any]] = []
    for number, old in enumerate(states):
        known = {**old, "inputs": _blinded(old["inputs"]), "outputs": _blinded(old["outputs"])}
        now, declared = known, known
        if number % 10 == 0:
            now, declared = _with_tls(known, "TLS1_1"), _with_tls(known, "TLS1_3")
        read.append({"resOutputsEvent": {"metadata": _metadata("refresh", known, now)}})
        op = "same" if now is declared else "update"
        planned.append({"resourcePreEvent": {"metadata": _metadata(op, now, declared)}})
    lines = [*read, *planned, {"summaryEvent": {"result": "succeeded"}}]
    return "".join(json.dumps(line) + "\n" for line in lines)


def _metadata(op: str, old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    found = {"op": op, "urn": old["urn"], "type": TYPE, "old": old, "new": new}
    if old is not new:
        found["diffs"] = ["minimumTlsVersion"]
        kind = {"diffKind": "update", "inputDiff": op == "update"}
        found["detailedDiff"] = {"minimumTlsVersion": kind}
    return found


def _with_tls(state: dict[str, Any], version: str) -> dict[str, Any]:
    changed = {"minimumTlsVersion": version}
    return {**state, **{kind: {**state[kind], **changed} for kind in ("inputs", "outputs")}}


def _blinded(values: dict[str, Any]) -> dict[str, Any]:
    return {**values, "tags": {**values["tags"], "note": "[secret]"}}
