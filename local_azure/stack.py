"""The stand-in's Pulumi stack: made on demand, and made usable again after a killed `pulumi`."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

from local_azure import engine, whole_file
from local_azure.arm.subscriptions import SUBSCRIPTION
from local_azure.command import command_output
from local_azure.environment import STACK
from local_azure.errors import DamagedStateError, StackInUseError
from local_azure.home import Home, kept_secret, secret_in
from local_azure.pulumi_wrapper import project_name

_META = b"version: 1\n"
"""What the file backend of Pulumi 3 writes into a new store."""

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
            LocalAzureError: `pulumi` refused, or the state or its passphrase is damaged.
        """
        self._keep_passphrase()
        self.config.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._mend()
        if self.state.exists():
            self.deployment()
            self.settings()
            return
        # `stack init` has no --config-file and writes beside Pulumi.yaml: here, beside a twin.
        twin = self.config.parent / "Pulumi.yaml"
        twin.write_text(f"name: {json.dumps(self.project)}\nruntime: yaml\n")
        _pulumi(["stack", "select", "--create", STACK], self.config.parent, environment)

    def recover(self, environment: Mapping[str, str]) -> list[str]:
        """Undo what a killed `pulumi` left: its lock and its pending operations.

        What was being created is kept in the state as half made: the next `up` finishes it, and
        `destroy` deletes it, however far it came. Its language host is ended.

        Returns:
            What was done, a line each; nothing to do gives no line.

        Raises:
            StackInUseError: A `pulumi` that still runs holds the lock.
            LocalAzureError: The state is damaged, or `pulumi` refused.
        """
        done: list[str] = []
        if not self.state.exists():
            return done
        locks = sorted(self.locks.glob("*.json")) if self.locks.is_dir() else []
        for lock in locks:
            if (pid := self._owner(lock)) is not None:
                raise StackInUseError(
                    f"the stack '{STACK}' is in use by pulumi (process {pid}); wait until it ends"
                )
        for lock in locks:
            lock.unlink(missing_ok=True)
            done.append("removed the lock of a pulumi that no longer runs")
        if left := engine.end_left(self.home):
            done.append(f"ended {left} process{'es' * (left > 1)} of a pulumi that no longer runs")
        # Asking `pulumi` for it takes half a second, and nearly always there is nothing.
        if not self.deployment().get("pending_operations"):
            return done
        exported: dict[str, Any] = json.loads(
            _pulumi(["stack", "export"], self.folder, environment)
        )
        pending = exported["deployment"].pop("pending_operations", None) or []
        resources = exported["deployment"].setdefault("resources", [])
        done += [_settled(each, resources) for each in pending]
        _pulumi(["stack", "import"], self.folder, environment, json.dumps(exported))
        return done

    def deployment(self) -> dict[str, Any]:
        """The stack's last deployment, as the backend's file holds it.

        Raises:
            DamagedStateError: The file is not what `pulumi` wrote.
        """
        if not _is_state(self.state):
            raise DamagedStateError(f"the stack's state {self.state} is damaged")
        return json.loads(self.state.read_bytes())["checkpoint"].get("latest") or {}

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs; secret ones as the backend's file holds them: encrypted.

        Raises:
            DamagedStateError: The file is not what `pulumi` wrote.
        """
        if not self.state.exists():
            return {}
        for resource in self.deployment().get("resources") or []:
            if resource.get("type") == "pulumi:pulumi:Stack":
                return dict(resource.get("outputs") or {})
        return {}

    def settings(self) -> dict[str, Any]:
        """What the stack's configuration sets; secret values stay encrypted.

        Raises:
            DamagedStateError: The file is not what `pulumi` wrote.
        """
        try:
            read = yaml.safe_load(self.config.read_bytes()) or {}
            return dict(read.get("config") or {})
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, yaml.YAMLError, AttributeError, TypeError) as error:
            raise DamagedStateError(
                f"the stack's configuration {self.config} is damaged: no settings can be read"
            ) from error

    def _mend(self) -> None:
        """Repair what a `pulumi` that was killed, or had no room, leaves half written.

        The backend keeps attributes beside each file and refuses a file with broken ones, while a
        file without any is fine; a lock that cannot be read locks the stack for ever.
        """
        backend = self.home.backend / ".pulumi"
        kept = [
            *backend.rglob("*.attrs"),
            *self.locks.glob("*.json"),
            # Which stack is selected, and the login: both are in the environment, too.
            *self.home.pulumi_home.glob("workspaces/*.json"),
            *self.home.pulumi_home.glob("*.json"),
        ]
        # A lock, or a stack, that was never finished counts as one nevertheless.
        broken = [*backend.rglob("*.tmp"), *(each for each in kept if not _is_json(each))]
        if broken and not engine.engines(self.home):
            for each in broken:
                each.unlink(missing_ok=True)
        if self.state.exists() and not _is_state(self.state):
            self._restore()
        meta = backend / "meta.yaml"
        if meta.exists() and meta.read_bytes() != _META:
            meta.write_bytes(_META)

    def _restore(self) -> None:
        """Go back to the backend's copy of the state; what it lacks exists and is to be imported.

        Raises:
            DamagedStateError: The copy is damaged, too.
        """
        copy = self.state.with_name(f"{self.state.name}.bak")
        if engine.engines(self.home) or not _is_state(copy):
            raise DamagedStateError(f"the stack's state {self.state} is damaged, its copy is, too")
        shutil.copyfile(copy, self.state)

    def _keep_passphrase(self) -> None:
        """Make the passphrase, but never a new one for a state that an old one encrypted.

        Raises:
            DamagedStateError: It is lost.
        """
        if not secret_in(self.home.passphrase) and any(
            self.home.backend.glob(".pulumi/stacks/*/*.json")
        ):
            raise DamagedStateError(
                f"{self.home.passphrase} is lost or damaged, and with it every secret in the "
                "stack's state"
            )
        kept_secret(self.home.passphrase)

    def _owner(self, lock: Path) -> int | None:
        """The running pulumi of this user's that a lock belongs to."""
        try:
            pid = int(json.loads(lock.read_bytes())["pid"])
            process = psutil.Process(pid)
            alive = process.status() != psutil.STATUS_ZOMBIE and "pulumi" in process.name()
            older = process.create_time() <= lock.stat().st_mtime + 1
        except psutil.Error:
            return None
        except (OSError, ValueError, KeyError, TypeError):
            # A lock that cannot be read belongs to whoever works here.
            return next((each.pid for each in engine.engines(self.home)), None)
        return pid if alive and older else None


def install_wrapper(home: Home, pulumi: Path) -> None:
    """Put `pulumi` with the stack's configuration where `exec` finds it first."""
    words = [sys.executable, "-IS", str(_WRAPPER), str(pulumi), str(home.projects)]
    script = f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n'
    path = home.programs / "pulumi"
    if path.exists() and path.read_bytes() == script.encode() and os.access(path, os.X_OK):
        return
    whole_file.write(path, script.encode(), 0o755)


def _is_state(path: Path) -> bool:
    try:
        checkpoint = json.loads(path.read_bytes())["checkpoint"]
        return isinstance((checkpoint.get("latest") or {}).get("resources") or [], list)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _is_json(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_bytes()), dict)
    except (OSError, ValueError):
        return False


def _settled(operation: Mapping[str, Any], resources: list[dict[str, Any]]) -> str:
    """End an interrupted operation in a list of resources; says what was done."""
    # Imported where it is needed: nearly no run recovers anything.
    from local_azure import types

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


def _pulumi(
    arguments: list[str], folder: Path, environment: Mapping[str, str], given: str = ""
) -> str:
    """Run `pulumi`, return what it printed."""
    command = ["pulumi", "--non-interactive", *arguments]
    failed = f"`{shlex.join(command)}` failed"
    return command_output(command, environment, folder, given, failed=failed)
