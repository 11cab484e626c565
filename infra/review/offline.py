"""A review of the program alone: what it declares, held against the policies, without an identity.

It is for pull requests of forks, which get no login. It knows no state and no cloud, so it cannot
say what would change; it says what would exist, and whether that is allowed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from infra.preview import engine, events
from infra.preview.plan import Diagnostic, Op, Plan, State, Step
from infra.review.errors import ReviewError

LONGEST = 120.0
"""Seconds that the program may take."""

_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "VIRTUAL_ENV", "SYSTEMROOT", "TMPDIR")
"""What the program gets of the environment: no login, no token."""


def plan(stack: str, folder: Path) -> Plan:
    """Everything that the program declares for a stack, as if nothing existed yet.

    Args:
        stack: The stack's name; its configuration is `Pulumi.STACK.yaml` beside `Pulumi.yaml`.
        folder: A folder of the Pulumi project.

    Raises:
        PreviewError: There is no project.
        ReviewError: There is no such configuration, or the program does not end.
    """
    project = engine.project(folder)
    file = engine.project_file(folder).with_name(f"Pulumi.{stack}.yaml")
    if not file.is_file():
        raise ReviewError(f"the stack {stack} has no configuration: there is no {file.name}")
    told = _run(project, stack, file)
    if "error" in told:
        return Plan(failed=True, diagnostics=(Diagnostic("error", "", str(told["error"])),))
    prefix = f"urn:pulumi:{stack}::{project}::"
    steps = [
        Step(
            Op.CREATE,
            f"{prefix}{one['type']}::{one['name']}",
            one["type"],
            new=State(events.value(one["inputs"])),
        )
        for one in told["resources"]
    ]
    return Plan(tuple(sorted(steps, key=lambda one: one.urn)))


def _run(project: str, stack: str, file: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "infra.review.offline_program", project, stack, str(file)]
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
    try:
        done = subprocess.run(
            command,
            env=environment,
            cwd=file.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ReviewError(f"the program did not end within {LONGEST:g} s") from error
    try:
        told = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError) as error:
        said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1].strip()
        raise ReviewError(f"the program could not be run: {said}") from error
    return told
