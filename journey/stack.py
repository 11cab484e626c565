"""The local stack, driven with the Pulumi CLI as its users drive it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from journey.steps import JourneyError, Steps

REMEDY = "Nothing is lost: fix the reason and run the same command again."


@dataclass(frozen=True)
class Stack:
    """A Pulumi stack on the local stand-in.

    Attributes:
        steps: Runs and shows the commands.
        env: The environment that points the CLI at the stand-in and selects the stack.
    """

    steps: Steps
    env: Mapping[str, str]

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs; empty before the first update.

        Raises:
            JourneyError: The CLI could not read the stack.
        """
        command = ["pulumi", "stack", "output", "--json", "--non-interactive"]
        answer = subprocess.run(
            command,
            cwd=self.steps.root,
            env=dict(self.env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode != 0:
            raise JourneyError(f"cannot read the stack's outputs: {answer.stderr.strip()}")
        return json.loads(answer.stdout or "{}")

    def up(self, title: str, config: Mapping[str, str] | None = None) -> None:
        """Update the stack, its configuration first; shows Pulumi's own count of changes."""
        command = ["pulumi", "up", "--yes", "--skip-preview", "--refresh", "--non-interactive"]
        for key, value in (config or {}).items():
            command += ["--config", f"{key}={value}"]
        self._show_counts(self.steps.run(title, command, self.env, remedy=REMEDY))

    def unset(self, title: str, key: str) -> None:
        """Remove a key from the stack's configuration."""
        self.steps.run(title, ["pulumi", "config", "rm", key, "--non-interactive"], self.env)

    def destroy(self, title: str) -> None:
        """Delete every resource of the stack."""
        command = ["pulumi", "destroy", "--yes", "--skip-preview", "--refresh", "--non-interactive"]
        self._show_counts(self.steps.run(title, command, self.env, remedy=REMEDY))

    def _show_counts(self, output: str) -> None:
        _, found, after = output.rpartition("\nResources:\n")
        counts = [line.strip() for line in after.partition("\n\n")[0].splitlines() if line.strip()]
        if found:
            self.steps.detail(f"pulumi: {', '.join(counts)}")
