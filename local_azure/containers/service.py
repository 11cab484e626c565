"""What is behind `Microsoft.ContainerInstance/containerGroups`: processes at an address."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import logging
import math
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from local_azure.arm.availability import CONTAINER_GROUPS
from local_azure.arm.errors import ArmError
from local_azure.arm.ids import not_found
from local_azure.arm.requests import api_version, known_type
from local_azure.arm.service import Body, Resource, Surroundings
from local_azure.containers import address, planner, rules, updates
from local_azure.containers.group import Group, reap
from local_azure.containers.pull import Puller
from local_azure.types.shape import merge

LOG = logging.getLogger(__name__)

_GROUP = (
    "/subscriptions/{subscription}/resourceGroups/{group}"
    "/providers/Microsoft.ContainerInstance/containerGroups/{name}"
)
_CONTAINER = _GROUP + "/containers/{container}"

START_SECONDS = 120.0
"""How long the containers of a PUT may take to become ready."""

RESUME_SECONDS = 10.0
"""How long a starting stand-in waits for them; they go on by themselves."""


@dataclass
class ContainerGroups:
    """All container groups of the stand-in.

    Attributes:
        surroundings: The service's folder and the other resources.
        puller: Gets images.
    """

    surroundings: Surroundings
    puller: Puller
    type: str = field(default=CONTAINER_GROUPS, init=False)
    _groups: dict[str, Group] = field(default_factory=dict, init=False)
    _busy: set[str] = field(default_factory=set, init=False)
    _changed: dict[str, float] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        reap(self.surroundings.folder)

    def admit(self, resource: Resource, previous: Resource | None) -> None:
        """Refuse what Azure refuses in its answer to the PUT.

        Raises:
            ArmError: 400: no valid group, a change that needs a new one, an image that may not be
                pulled, a DNS label that another group has; 409 while something else happens to
                the group, or beyond the quota.
        """
        rules.check(resource)
        if previous is not None and not _failed(previous):
            updates.check(resource.name, previous.body, resource.body)
        conditions = self.surroundings.conditions()
        key = resource.id.lower()
        quiet = time.monotonic() - self._changed.get(key, -math.inf)
        if key in self._busy or quiet < conditions.transitioningSeconds:
            raise _transitioning(resource.name)
        rules.check_place(resource, self.surroundings.lookup, conditions.coreQuota)
        if not conditions.pullFailsOnNode:
            for each in resource.body["properties"]["containers"]:
                self.puller.check(resource, each["properties"]["image"])

    async def put(self, resource: Resource, previous: Resource | None) -> Body:
        """Start the group, or update it in place and restart it.

        What `admit` lets pass and cannot be planned leaves the old containers alone; if the new
        ones do not get ready, the old ones are started again, because ARM keeps the old body.

        Raises:
            ArmError: an image that may not be pulled or cannot be run, containers that do not
                become ready; its message ends with their log.
        """
        key = resource.id.lower()
        with self._turn(resource):
            here = self._address(resource, previous)
            group = await self._planned(resource, here)
            old = self._groups.get(key)
            if old is not None:
                await old.stop()
            self._groups[key] = group
            group.start()
            reason = await group.failure(START_SECONDS)
            if reason and old is not None and previous is not None and not _failed(previous):
                await group.stop()
                self._groups[key] = old
                old.start()
                await old.failure(START_SECONDS)
                reason = f"{reason}\nThe containers of before were started again."
            if reason:
                raise ArmError(
                    400, "ContainerGroupNotReady", f"Container group '{resource.name}': {reason}"
                )
            self._stopped_mark(resource.id).unlink(missing_ok=True)
        return _addressed(resource.body, here)

    async def resume(self, resource: Resource) -> Body:
        """Start the group again after the stand-in was restarted, at its address if that is free.

        Raises:
            ArmError: its image cannot be had any more.
        """
        if _failed(resource):
            return resource.body
        here = self._address(resource, resource)
        group = await self._planned(resource, here)
        self._groups[resource.id.lower()] = group
        if self._stopped_mark(resource.id).exists():
            await group.stop()
        else:
            group.start()
            reason = await group.failure(RESUME_SECONDS)
            if reason:
                LOG.warning("container group %s: %s", resource.name, reason)
        return _addressed(resource.body, here)

    async def show(self, resource: Resource) -> Body:
        """The stored body with the live `instanceView`, without secure values."""
        body = copy.deepcopy(resource.body)
        properties = body["properties"]
        group = self._groups.get(resource.id.lower())
        running = {each.plan.name: each for each in group.containers} if group else {}
        for each in properties["containers"]:
            if each["name"] in running:
                each["properties"]["instanceView"] = running[each["name"]].history.view()
            for variable in each["properties"].get("environmentVariables") or []:
                variable.pop("secureValue", None)
        for credential in properties.get("imageRegistryCredentials") or []:
            credential.pop("password", None)
        workspace = (properties.get("diagnostics") or {}).get("logAnalytics") or {}
        workspace.pop("workspaceKey", None)
        state = group.state if group else "Failed" if _failed(resource) else "Pending"
        properties["instanceView"] = {"events": [], "state": state}
        return body

    async def delete(self, resource: Resource) -> None:
        """Stop the containers and forget what they wrote."""
        key = resource.id.lower()
        group = self._groups.pop(key, None)
        if group is not None:
            await group.stop()
            self._changed[key] = time.monotonic()
        await asyncio.to_thread(shutil.rmtree, self._folder(resource.id), ignore_errors=True)

    def actions(self) -> Sequence[BaseRoute]:
        """Logs, start, stop, restart; exec and attach are refused."""
        return [
            Route(f"{_CONTAINER}/logs", self._logs),
            Route(f"{_CONTAINER}/exec", self._unsupported, methods=["POST"]),
            Route(f"{_CONTAINER}/attach", self._unsupported, methods=["POST"]),
            Route(f"{_GROUP}/start", self._start, methods=["POST"]),
            Route(f"{_GROUP}/restart", self._start, methods=["POST"]),
            Route(f"{_GROUP}/stop", self._stop, methods=["POST"]),
        ]

    async def close(self) -> None:
        """Stop everything; what is stored starts again with the stand-in."""
        await asyncio.gather(*(group.stop() for group in self._groups.values()))
        self._groups.clear()

    async def _logs(self, request: Request) -> Response:
        resource = self._resource(request, levels=3)
        name = request.path_params["container"]
        lines = _lines(request.query_params.get("tail", ""))
        stamps = request.query_params.get("timestamps", "").lower() == "true"
        group = self._groups.get(resource.id.lower())
        for container in group.containers if group else []:
            if container.plan.name == name:
                return JSONResponse({"content": container.log.tail(lines, timestamps=stamps)})
        raise ArmError(
            404,
            "ContainerNotFound",
            f"The container '{name}' in container group '{resource.name}' is not available.",
        )

    async def _unsupported(self, request: Request) -> Response:
        self._resource(request, levels=3)
        action = request.url.path.rsplit("/", 1)[-1]
        raise ArmError(
            400,
            "ActionNotSupported",
            f"The stand-in does not support '{action}'; a container's output is at .../logs.",
        )

    async def _start(self, request: Request) -> Response:
        """Start a stopped group, with images pulled anew; a restart stops one that runs."""
        resource = self._resource(request)
        with self._turn(resource):
            old = self._groups.get(resource.id.lower())
            if old is not None and old.state not in ("Stopped", "Succeeded", "Failed"):
                if request.url.path.endswith("/start"):
                    return Response(status_code=204)
                await old.stop()
            here = self._address(resource, resource)
            group = await self._planned(resource, here)
            self._groups[resource.id.lower()] = group
            group.start()
            self._stopped_mark(resource.id).unlink(missing_ok=True)
            reason = await group.failure(START_SECONDS)
            if reason:
                raise ArmError(409, "ContainerGroupNotReady", reason)
        return Response(status_code=204)

    async def _stop(self, request: Request) -> Response:
        """Stop a group; it stays stopped, also over restarts of the stand-in."""
        resource = self._resource(request)
        with self._turn(resource):
            group = self._groups.get(resource.id.lower())
            if group is not None:
                await group.stop()
            self._stopped_mark(resource.id).touch()
        return Response(status_code=204)

    def _resource(self, request: Request, levels: int = 1) -> Resource:
        """The stored group that a path names, `levels` segments above its end.

        Raises:
            ArmError: 400 for a wrong API version, 404 for an unknown group.
        """
        known_type(CONTAINER_GROUPS, api_version(request))
        resource_id = request.url.path.rsplit("/", levels)[0]
        resource = self.surroundings.lookup.get(resource_id)
        if resource is None:
            raise not_found(resource_id)
        return resource

    async def _planned(self, resource: Resource, here: str) -> Group:
        folder = self._folder(resource.id)
        plans = await planner.plan(self.puller, resource, here, folder / "scratch")
        return Group(plans, folder)

    def _address(self, resource: Resource, previous: Resource | None) -> str:
        """The address of before if there is one that works, else a new one.

        Raises:
            ArmError: 409: no address has the ports free.
        """
        properties = resource.body["properties"]
        ports = [each["port"] for each in (properties.get("ipAddress") or {}).get("ports") or []]
        note = self._folder(resource.id) / "address"
        kept = address.noted(note) if previous is not None else ""
        if kept and (resource.id.lower() in self._groups or address.free(kept, ports)):
            return kept
        taken = {address.noted(each) for each in self.surroundings.folder.glob("*/address")}
        counter = self.surroundings.folder / f"{self._folder(resource.id).name}.created"
        try:
            times = int(counter.read_bytes()) + 1
        except (FileNotFoundError, ValueError):
            times = 1
        counter.write_text(str(times))
        try:
            seed = f"{self.surroundings.folder}\n{resource.id.lower()}\n{times}"
            chosen = address.choose(seed, ports, taken)
        except address.NoAddressError as error:
            raise ArmError(409, "ServiceUnavailable", str(error)) from error
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(chosen)
        return chosen

    @contextmanager
    def _turn(self, resource: Resource) -> Iterator[None]:
        """One change at a time for a group; a second one is refused, as Azure does."""
        key = resource.id.lower()
        if key in self._busy:
            raise _transitioning(resource.name)
        self._busy.add(key)
        try:
            yield
        finally:
            self._busy.discard(key)
            self._changed[key] = time.monotonic()

    def _stopped_mark(self, resource_id: str) -> Path:
        return self._folder(resource_id) / "stopped"

    def _folder(self, resource_id: str) -> Path:
        name = hashlib.sha256(resource_id.lower().encode()).hexdigest()[:16]
        return self.surroundings.folder / name


def _lines(text: str) -> int | None:
    if not text:
        return None
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return int(text)
    raise ArmError(400, "InvalidTail", f"tail={text[:20]} is no number of lines.", "tail")


def _transitioning(name: str) -> ArmError:
    """409 for a group that is being changed."""
    return ArmError(
        409,
        "ContainerGroupTransitioning",
        f"The container group '{name}' is still transitioning, please retry later.",
    )


def _addressed(body: Body, here: str) -> Body:
    """The body with the address that the group has, if it shows one to the world."""
    shown = body["properties"].get("ipAddress")
    if not shown:
        return body
    found = {"ip": here} | ({"fqdn": here} if shown.get("dnsNameLabel") else {})
    return merge(body, {"properties": {"ipAddress": found}})


def _failed(resource: Resource) -> bool:
    return resource.body["properties"].get("provisioningState") == "Failed"
