"""What the registry's commands need from outside: the stack's outputs and the git commit."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_eval.errors import RegistryError
from scoring.errors import message_of
from scoring.output_folder import write_json

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
    write_json(file, config)


@dataclass(frozen=True)
class Workspace:
    """Where the models are.

    Attributes:
        subscription: Its id.
        group: The resource group.
        name: The workspace's name.
    """

    subscription: str
    group: str
    name: str


def read(file: Path) -> Workspace:
    """What a `config.json` names, with or without a byte order mark.

    Raises:
        RegistryError: There is none, or it lacks something.
    """
    remedy = "write it with: python -m model_eval config"
    try:
        found = json.loads(file.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise RegistryError(f"{file} is missing; {remedy}") from None
    except (OSError, ValueError, RecursionError) as error:
        reason = message_of(error)
        raise RegistryError(f"{file} cannot be read as JSON: {reason}; {remedy}") from None
    values = [found.get(key) if isinstance(found, dict) else None for key in NEEDED]
    for key, value in zip(NEEDED, values, strict=True):
        if not isinstance(value, str) or not value:
            raise RegistryError(f"{file} lacks {key}; {remedy}")
    return Workspace(*map(str, values))


def git_commit() -> str:
    """The commit of the working directory, or `unknown` outside of git."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip() or "unknown"
