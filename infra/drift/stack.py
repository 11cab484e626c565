"""The stack as its state tells it: resources, outputs, and whether somebody is changing it."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from infra import azure_facts
from infra.drift.errors import DriftError
from infra.preview import engine, events, secret_lists
from infra.preview.engine import PreviewError
from infra.preview.events import SECRET_SIGNATURE, SIGNATURE, STACK_TYPE
from infra.preview.secret_lists import Opened, revealed


@dataclass(frozen=True)
class Resource:
    """A resource that the state knows.

    Attributes:
        urn: Its unique name in the stack.
        type: The provider's type token.
        id: Its full ARM id.
        api_version: The API version that it was deployed with, or empty.
        inputs: Its inputs on the wire, with secrets in plain text.
    """

    urn: str
    type: str
    id: str
    api_version: str
    inputs: Mapping[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        """Its name in the program."""
        return self.urn.rsplit("::", 1)[-1]


@dataclass(frozen=True)
class Stack:
    """The exported state. It holds secrets in plain text: it is never written or shown.

    Attributes:
        name: The stack's name.
        folder: A folder of the Pulumi project.
        state: What `pulumi stack export --show-secrets` wrote.
        file: The backend's own file of it, if it is one in a folder, and what was in it before.
    """

    name: str
    folder: Path
    state: Mapping[str, Any] = field(repr=False)
    file: tuple[Path, bytes] | None = field(default=None, repr=False)

    @property
    def resources(self) -> list[Resource]:
        """The resources in Azure."""
        return [each for each in self._managed() if each.id.startswith("/")]

    @property
    def objects(self) -> list[Resource]:
        """The objects on a Kubernetes cluster; their ids are `NAMESPACE/NAME`."""
        return [each for each in self._managed() if each.type.startswith("kubernetes:")]

    def _managed(self) -> Iterator[Resource]:
        for each in self._all():
            if each.get("custom") and each.get("id"):
                version = str((each.get("outputs") or {}).get("azureApiVersion") or "")
                yield Resource(
                    each["urn"], each["type"], str(each["id"]), version, each.get("inputs") or {}
                )

    @property
    def outputs(self) -> Mapping[str, Any]:
        """The stack's outputs; a secret one is the mark `SECRET`."""
        found = [each for each in self._all() if each["type"] == STACK_TYPE]
        return events.value(found[0].get("outputs") or {}) if found else {}

    @property
    def workspace_principals(self) -> list[str]:
        """The principal ids of the workspaces' own identities."""
        return [
            str((revealed(each["outputs"].get("identity")) or {}).get("principalId", ""))
            for each in self._all()
            if each["type"] == azure_facts.ML_WORKSPACE and each.get("outputs")
        ]

    def ids(self, kind: str) -> list[str]:
        """The ids of the resources of a type."""
        return [each.id for each in self.resources if each.type == kind]

    @property
    def scoring_group(self) -> Resource | None:
        """The container group that answers, if it is deployed."""
        groups = (each for each in self.resources if each.type == azure_facts.CONTAINER_GROUP)
        return next(groups, None)

    @property
    def deployment(self) -> Resource | None:
        """The Deployment whose pods answer, if it is deployed."""
        return next((each for each in self.objects if each.type == azure_facts.DEPLOYMENT), None)

    def secure_variable(self, name: str) -> str:
        """The deployed value of a secure environment variable, or empty."""
        for secret in self.objects:
            # The provider writes what was given as text in base64, as the API server does.
            given = revealed(secret.inputs.get("data"))
            if secret.type == azure_facts.SECRET and isinstance(given, Mapping):
                return base64.b64decode(str(revealed(given.get(name)) or "")).decode()
        group = self.scoring_group
        for container in revealed(group.inputs.get("containers")) or [] if group else []:
            for variable in container.get("environmentVariables") or []:
                if variable.get("name") == name:
                    return str(revealed(variable.get("secureValue")) or "")
        return ""

    def opened(self, actual: list[Any] | None) -> Opened:
        """What opens the lists that are secret as a whole.

        Args:
            actual: The containers as Azure answers them; None if there is no group.
        """
        known = secret_lists.read(self.state, {})
        group = self.scoring_group
        if group is None or actual is None:
            return known
        secret = {SIGNATURE: SECRET_SIGNATURE, "plaintext": json.dumps(actual)}
        return Opened(known.before, {group.urn: {"containers": secret}}, known.secrets)

    def unchanged(self) -> bool:
        """Whether the state still is what it was when it was read.

        Raises:
            PreviewError: It cannot be read.
        """
        if self.file:
            path, before = self.file
            return path.is_file() and path.read_bytes() == before
        return _export(self.name, self.folder) == self.state

    def _all(self) -> Iterator[Mapping[str, Any]]:
        deployment = self.state.get("deployment") or {}
        yield from (each for each in deployment.get("resources") or [] if not each.get("delete"))


def read(name: str, folder: Path) -> Stack:
    """Read a stack that nobody is changing.

    Args:
        name: The stack's name.
        folder: A folder of the Pulumi project.

    Raises:
        DriftError: It is empty or locked, or an update of it is under way or was interrupted.
        PreviewError: There is no such stack, or it cannot be read.
    """
    backend = os.environ.get("PULUMI_BACKEND_URL", "")
    # Before the export: what is written in between is a change.
    file = _file(name, folder, backend)
    stack = Stack(name, folder, _export(name, folder), file)
    urns = [each["urn"] for each in stack._all()]
    if not urns:
        raise DriftError(f"the stack {name} is empty; deploy it first: pulumi up --stack {name}")
    backend = backend or str(engine.document(["whoami", "--json"], folder).get("url", ""))
    holder = _lock(name, urns[0].split("::")[1], folder, backend)
    if holder:
        raise DriftError(
            f"the stack {name} is locked by {holder}; wait for that update, or if it is dead: "
            f"pulumi cancel --stack {name}"
        )
    if (stack.state.get("deployment") or {}).get("pending_operations"):
        raise DriftError(
            f"an update of the stack {name} is under way or was interrupted; finish it with: "
            f"pulumi refresh --stack {name} (it asks about each creation that was cut off)"
        )
    return stack


def _export(name: str, folder: Path) -> Mapping[str, Any]:
    return engine.document(["stack", "export", "--show-secrets", "--stack", name], folder)


def _lock(name: str, project: str, folder: Path, backend: str) -> str:
    """Who holds the stack's lock, or empty.

    A preview takes no lock and heeds none. Pulumi's service tells that an update is under way; a
    folder as the backend shows its lock files. Other storage shows neither to a reader: there,
    operations in the state and a state that changes meanwhile are what is noticed.
    """
    root = _root(folder, backend)
    if root is None:
        return "an update in progress" if _in_progress(name, folder) else ""
    name = name.rpartition("/")[2]
    for file in sorted((root / "locks").glob(f"*/{project}/{name}/*.json")):
        try:
            lock = json.loads(file.read_text(encoding="utf-8"))
            return f"{lock.get('username')}@{lock.get('hostname')} (process {lock.get('pid')})"
        except (OSError, ValueError):
            return "an update"
    return ""


def _root(folder: Path, backend: str) -> Path | None:
    """The folder that holds the states; None if they are in no folder."""
    place = urlsplit(backend)
    if place.scheme != "file":
        return None
    return folder / Path(unquote(place.netloc + place.path)).expanduser() / ".pulumi"


def _file(name: str, folder: Path, backend: str) -> tuple[Path, bytes] | None:
    """A stack's file in a folder as the backend, and what is in it; None if there is no such."""
    root = _root(folder, backend)
    try:
        project = engine.project(folder)
    except PreviewError:
        return None
    found = root / "stacks" / project / f"{name.rpartition('/')[2]}.json" if root else None
    return (found, found.read_bytes()) if found and found.is_file() else None


def _in_progress(name: str, folder: Path) -> bool:
    stacks = engine.document(["stack", "ls", "--json"], folder)
    own = name.rpartition("/")[2]
    return any(
        each.get("updateInProgress")
        for each in stacks
        if str(each.get("name")).rpartition("/")[2] == own
    )
