"""What the registry's commands need from outside: the stack's outputs, a report, the git commit."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from model_eval.errors import GateError, RegistryError
from scoring.output_folder import write_text

NEEDED = {
    "subscription_id": "subscription_id",
    "resource_group": "resource_group",
    "workspace_name": "workspace",
}
"""Keys of `config.json` and the stack's outputs that they come from."""


def stack_outputs() -> str:
    """What `pulumi stack output --json` prints for the selected stack.

    Raises:
        RegistryError: There is no Pulumi CLI, or no stack.
    """
    try:
        done = subprocess.run(
            ["pulumi", "stack", "output", "--json", "--non-interactive"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise RegistryError(f"pulumi cannot be run: {error}") from error
    if done.returncode != 0:
        raise RegistryError(f"pulumi stack output failed: {done.stderr.strip()}")
    return done.stdout


def write(outputs: str, file: Path) -> None:
    """Write `config.json` for `Workspace.from_config()`.

    Args:
        outputs: The stack's outputs as JSON.
        file: Where to write.

    Raises:
        RegistryError: The outputs are no JSON object, or lack the workspace.
    """
    try:
        found: dict[str, Any] = json.loads(outputs)
        config = {key: str(found[output]) for key, output in NEEDED.items()}
    except (ValueError, TypeError) as error:
        raise RegistryError(f"the stack's outputs are no JSON object: {error}") from error
    except KeyError as error:
        raise RegistryError(
            f"the stack has no output {error}; make the infrastructure first: pulumi up"
        ) from error
    write_text(file, json.dumps(config, indent=2) + "\n")


def read_report(file: Path) -> dict[str, Any]:
    """The report that `validate` wrote.

    Raises:
        GateError: There is none: the model has not passed the gate.
    """
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise GateError(
            f"{file} is no report of a validation; validate first: python -m model_eval validate"
        ) from error


def git_commit() -> str:
    """The commit of the working directory, or `unknown` outside of git."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip() or "unknown"
