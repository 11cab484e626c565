"""The local stack, driven with the Pulumi CLI as its users drive it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from journey.steps import DiskFullError, JourneyError, Steps
from local_azure import engine
from local_azure.environment import ADOPT
from local_azure.errors import DamagedStateError, LocalAzureError
from local_azure.ready import Ready
from local_azure.stack import Stack as LocalStack

PROJECT = "sklearn-mnist-svc"
REMEDY = "Nothing is lost: fix the reason and run the same command again."
REMEDY_AFTER_DELETES = (
    "Resources were deleted before it failed, the output says which: fix the reason and run the "
    "same command again, it goes on from there."
)
_COUNT = re.compile(r"(?:[^\w\s]+ ?)?\d+ [a-z]+(?: [a-z]+)*")
# How the provider tells the id of a resource that exists although no state has it.
_UNOWNED = re.compile(r"cannot create already existing resource '([^']+)'")
_DELETED = re.compile(r"\b[1-9]\d* (?:deleted|replaced)\b|\b(?:deleted|replaced) \(")


MADE = ("subscription_id", "tenant_id", "resource_group", "workspace", "login_server")
"""Outputs of every update."""


@dataclass(frozen=True)
class Stack:
    """A Pulumi stack on the local stand-in.

    Attributes:
        steps: Runs and shows the commands.
        env: The environment that points the CLI at the stand-in and selects the stack.
        local: The stack's files in the state folder.
    """

    steps: Steps
    env: Mapping[str, str]
    local: LocalStack

    @classmethod
    def of(cls, steps: Steps, ready: Ready) -> Stack:
        """The stack of the project in the checkout.

        Raises:
            JourneyError: The checkout is no Pulumi project.
        """
        if ready.stack is None:
            raise JourneyError(f"{steps.root} has no Pulumi.yaml; is the checkout whole?")
        return cls(steps, ready.environment, ready.stack)

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs; empty before the first update."""
        return self.local.outputs()

    def made(self, *more: str) -> dict[str, Any]:
        """The outputs after an update, with those that every update makes, and these.

        Raises:
            JourneyError: One is missing: what the stand-in kept of a resource was damaged.
        """
        outputs = self.outputs()
        missing = [name for name in (*MADE, *more) if not outputs.get(name)]
        if missing:
            raise JourneyError(
                f"the update made no {', '.join(missing)}: the stand-in lost what it answers there;"
                " start afresh: make down, then make up"
            )
        return outputs

    def is_set(self, key: str) -> bool:
        """Whether the configuration sets a key; one without a namespace is the project's."""
        settings = self.local.settings()
        full = key if ":" in key else f"{PROJECT}:{key}"
        return full in settings or any(name.startswith(f"{full}.") for name in settings)

    def secret(self, key: str) -> str | None:
        """A secret setting in plain text; None where it is not set.

        Raises:
            DamagedStateError: The passphrase is not the one that the state was made with.
            JourneyError: The CLI could not read it.
        """
        if not self.is_set(key):
            return None
        answer = subprocess.run(
            ["pulumi", "config", "get", key, "--non-interactive"],
            cwd=self.steps.root,
            env=dict(self.env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode != 0:
            if "incorrect passphrase" in answer.stderr:
                raise DamagedStateError(
                    f"{self.local.home.passphrase} is not the passphrase of the stack's secrets"
                )
            raise JourneyError(f"cannot read the setting {key}: {answer.stderr.strip()}")
        return answer.stdout.rstrip("\n")

    def set(self, title: str, values: Mapping[str, str]) -> None:
        """Write settings; a key may be a path, such as `tags.environment`."""
        pairs = [
            word for key, value in values.items() for word in ("--plaintext", f"{key}={value}")
        ]
        command = ["pulumi", "config", "set-all", "--path", *pairs, "--non-interactive"]
        self.steps.run(title, command, self.env)

    def up(self, title: str, config: Mapping[str, str] | None = None) -> None:
        """Update the stack, its configuration first; shows Pulumi's own count of changes.

        What an update made that could not write it down (a kill, a full disk) is in no state and
        refused as existing; it has the stack's own names, so it is taken over.
        """
        command = ["pulumi", "up", "--yes", "--skip-preview", "--refresh", "--non-interactive"]
        for key, value in (config or {}).items():
            command += ["--config", f"{key}={value}"]
        try:
            self._change(title, command)
        except DiskFullError:
            raise
        except JourneyError as error:
            left = sorted(set(_UNOWNED.findall(error.output)))
            if not left:
                raise
            for each in left:
                self.steps.detail(f"taken over, as no state has it: {each.rsplit('/', 1)[-1]}")
            self._change(f"{title}, again", command, {ADOPT: "1"})

    def unset(self, title: str, *keys: str) -> None:
        """Remove keys from the stack's configuration."""
        self.steps.run(title, ["pulumi", "config", "rm-all", *keys, "--non-interactive"], self.env)

    def destroy(self, title: str) -> None:
        """Delete every resource of the stack."""
        command = ["pulumi", "destroy", "--yes", "--skip-preview", "--refresh", "--non-interactive"]
        self._change(title, command)

    def _change(
        self, title: str, command: list[str], more: Mapping[str, str] | None = None
    ) -> None:
        env = {**self.env, **(more or {})}
        try:
            output = self.steps.run(title, command, env, remedy=remedy)
        except JourneyError:
            # A pulumi that was killed leaves a language host that looks for it for minutes.
            engine.end_left(self.local.home)
            raise
        except KeyboardInterrupt:
            # Nothing is left to do where pulumi ended by itself; a killed one left its lock.
            with suppress(LocalAzureError, KeyboardInterrupt):
                self.local.recover(self.env)
            raise
        if shown := counts(output):
            self.steps.detail(f"pulumi: {', '.join(shown)}")


def remedy(output: str) -> str:
    """What to do when an update failed; that nothing is lost is said only where it is so."""
    if "incorrect passphrase" in output:
        return "The passphrase of the stack's secrets was damaged: make down, then make up."
    return REMEDY_AFTER_DELETES if _DELETED.search(output) else REMEDY


def counts(output: str) -> list[str]:
    """Pulumi's own summary, such as `+ 2 created` and `12 unchanged`, and nothing else."""
    _, found, after = output.rpartition("\nResources:\n")
    if not found:
        return []
    lines = [line.strip() for line in after.splitlines()]
    return [line for line in lines if _COUNT.fullmatch(line)]
