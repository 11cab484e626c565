"""The stand-in's Pulumi stack: made on demand, and made usable again after a killed `pulumi`."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from local_azure import types
from local_azure.arm.subscriptions import SUBSCRIPTION
from local_azure.environment import STACK
from local_azure.errors import LocalAzureError
from local_azure.home import Home, kept_secret
from local_azure.pulumi_wrapper import project_name

_WRAPPER = Path(__file__).with_name("pulumi_wrapper.py")


@dataclass(frozen=True)
class Stack:
    """The stack `local` of one Pulumi project.

    Attributes:
        home: The state folder with the backend.
        project: The project's name.
        folder: A folder in the project, where `pulumi` is run.
    """

    home: Home
    project: str
    folder: Path

    @classmethod
    def at(cls, home: Home, folder: Path) -> Stack | None:
        """The stack of the project that a folder belongs to; None outside of projects."""
        name = project_name(str(folder))
        return cls(home, name, folder) if name else None

    @property
    def state(self) -> Path:
        """The file with the stack's resources."""
        return self.home.backend / ".pulumi" / "stacks" / self.project / f"{STACK}.json"

    @property
    def config(self) -> Path:
        """The stack's configuration."""
        return self.home.projects / self.project / f"Pulumi.{STACK}.yaml"

    @property
    def locks(self) -> Path:
        """Where the file backend keeps a lock per running `pulumi`."""
        return self.home.backend / ".pulumi" / "locks" / "organization" / self.project / STACK

    def ensure(self, environment: Mapping[str, str]) -> None:
        """Make the stack where it does not exist.

        Args:
            environment: Of `environment.inside`.

        Raises:
            LocalAzureError: `pulumi` refused.
        """
        kept_secret(self.home.passphrase)
        self.config.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.state.exists():
            return
        # `stack init` has no --config-file and writes beside Pulumi.yaml: here, beside a twin.
        twin = self.config.parent / "Pulumi.yaml"
        twin.write_text(f"name: {json.dumps(self.project)}\nruntime: yaml\n")
        _pulumi(["stack", "select", "--create", STACK], self.config.parent, environment)

    def recover(self, environment: Mapping[str, str]) -> list[str]:
        """Undo what a killed `pulumi` left: its lock and its pending operations.

        What was being created is kept in the state as half made: the next `up` finishes it, and
        `destroy` deletes it, however far it came.

        Returns:
            What was done, a line each; nothing to do gives no line.

        Raises:
            LocalAzureError: a `pulumi` that still runs holds the lock, or `pulumi` refused.
        """
        done: list[str] = []
        if not self.state.exists():
            return done
        locks = sorted(self.locks.glob("*.json")) if self.locks.is_dir() else []
        for lock in locks:
            if (pid := _owner(lock)) is not None:
                raise LocalAzureError(
                    f"the stack '{STACK}' is in use by pulumi (process {pid}); wait until it ends"
                )
        for lock in locks:
            lock.unlink(missing_ok=True)
            done.append("removed the lock of a pulumi that no longer runs")
        exported: dict[str, Any] = json.loads(
            _pulumi(["stack", "export"], self.folder, environment)
        )
        pending = exported["deployment"].pop("pending_operations", None) or []
        if pending:
            resources = exported["deployment"].setdefault("resources", [])
            done += [_settled(each, resources) for each in pending]
            _pulumi(["stack", "import"], self.folder, environment, json.dumps(exported))
        return done


def install_wrapper(home: Home, pulumi: Path) -> None:
    """Put `pulumi` with the stack's configuration where `exec` finds it first."""
    words = [sys.executable, "-IS", str(_WRAPPER), str(pulumi), str(home.projects)]
    script = f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n'
    path = home.programs / "pulumi"
    if path.exists() and path.read_text() == script:
        return
    temporary = path.with_name(f"pulumi.{os.getpid()}")
    temporary.write_text(script)
    temporary.chmod(0o755)
    temporary.replace(path)


def _settled(operation: Mapping[str, Any], resources: list[dict[str, Any]]) -> str:
    """End an interrupted operation in a list of resources; says what was done."""
    resource = dict(operation["resource"])
    urn, inputs = resource["urn"], resource.get("inputs", {})
    kind = types.find_token(resource["type"])
    if operation["type"] != "creating" or kind is None or kind.name_input not in inputs:
        return f"dropped the interrupted {operation['type']} of {urn}"
    for each in [each for each in resources if each["urn"] == urn]:
        if each.get("pendingReplacement"):
            resources.remove(each)
        else:
            each["delete"] = True
    resource["id"] = kind.resource_id(SUBSCRIPTION, inputs)
    resource["outputs"] = {}
    # As after a creation that failed: the engine plans an update, which PUTs the whole resource.
    resource["initErrors"] = ["interrupted while it was being created"]
    resources.append(resource)
    return f"kept {urn}, which was being created: the next `pulumi up` finishes it"


def _owner(lock: Path) -> int | None:
    """The process that a lock file names, if it still is a running pulumi of this user's."""
    try:
        pid = int(json.loads(lock.read_text())["pid"])
        process = psutil.Process(pid)
        alive = process.status() != psutil.STATUS_ZOMBIE and "pulumi" in process.name()
        older = process.create_time() <= lock.stat().st_mtime + 1
    except (OSError, ValueError, KeyError, psutil.Error):
        return None
    return pid if alive and older else None


def _pulumi(
    arguments: list[str], folder: Path, environment: Mapping[str, str], given: str = ""
) -> str:
    """Run `pulumi`, return what it printed."""
    command = ["pulumi", "--non-interactive", *arguments]
    done = subprocess.run(
        command,
        cwd=folder,
        env=dict(environment),
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise LocalAzureError(
            f"`{shlex.join(command)}` failed: "
            f"{said[-1] if said else f'exit code {done.returncode}'}"
        )
    return done.stdout
