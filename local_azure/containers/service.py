"""What is behind `Microsoft.ContainerInstance/containerGroups`: processes at an address."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from local_azure.arm.errors import ArmError, not_found
from local_azure.arm.service import Body, Resource, Surroundings
from local_azure.containers import address, packages, updates
from local_azure.containers.container import Container
from local_azure.containers.image import Image, ImageError
from local_azure.containers.log import Log
from local_azure.containers.packages import prepare
from local_azure.containers.probe import Probe
from local_azure.containers.process import Launch
from local_azure.containers.pull import Puller
from local_azure.environment import ambient
from local_azure.types.resource_type import merge

TYPE = "Microsoft.ContainerInstance/containerGroups"
BIND_LABEL = "local-azure.bind-variable"
"""Names the environment variable that tells the image's command which address to listen on."""

START_SECONDS = 120.0
LOG_LINES_IN_ERROR = 15


@dataclass
class ContainerGroups:
    """All container groups of the stand-in.

    Attributes:
        surroundings: The service's folder and the other resources.
        puller: Gets images.
    """

    surroundings: Surroundings
    puller: Puller
    type: str = TYPE
    _running: dict[str, list[Container]] = field(default_factory=dict, init=False)

    async def put(self, resource: Resource, previous: Resource | None) -> Body:
        """Start the group, or update it in place and restart it.

        Raises:
            ArmError: An image that may not be pulled, a change that needs a new group, or
                containers that do not become ready; its message ends with their logs.
        """
        if (
            previous is not None
            and previous.body["properties"].get("provisioningState") != "Failed"
        ):
            updates.check(resource.name, previous.body, resource.body)
        here = self._address(resource, previous)
        body = merge(resource.body, {"properties": {"ipAddress": {"ip": here, "fqdn": here}}})
        same = previous is not None and _work(previous.body) == _work(body)
        if not (same and resource.id.lower() in self._running):
            await self._start(Resource(resource.id, resource.type, body), here)
        return body

    async def resume(self, resource: Resource) -> Body:
        """Start the group again after the stand-in was restarted."""
        if resource.body["properties"].get("provisioningState") == "Failed":
            return resource.body
        return await self.put(resource, resource)

    async def show(self, resource: Resource) -> Body:
        """The stored body with the live `instanceView`, without secure values."""
        body = copy.deepcopy(resource.body)
        containers = {each.name: each for each in self._running.get(resource.id.lower(), [])}
        for each in body["properties"]["containers"]:
            running = containers.get(each["name"])
            if running:
                each["properties"]["instanceView"] = running.view()
            for variable in each["properties"].get("environmentVariables") or []:
                variable.pop("secureValue", None)
        for credential in body["properties"].get("imageRegistryCredentials") or []:
            credential.pop("password", None)
        workspace = (body["properties"].get("diagnostics") or {}).get("logAnalytics") or {}
        workspace.pop("workspaceKey", None)
        body["properties"]["instanceView"] = {"events": [], "state": _group_state(containers)}
        return body

    async def delete(self, resource: Resource) -> None:
        """Stop the containers and forget their logs."""
        for container in await self._stop(resource.id):
            container.log.clear()

    def actions(self) -> Sequence[BaseRoute]:
        """Logs, stop, start and restart; exec and attach are refused."""
        one = (
            "/subscriptions/{subscription}/resourceGroups/{group}/providers"
            "/Microsoft.ContainerInstance/containerGroups/{name}"
        )
        return [
            Route(f"{one}/containers/{{container}}/logs", self._logs),
            Route(f"{one}/containers/{{container}}/exec", _unsupported, methods=["POST"]),
            Route(f"{one}/containers/{{container}}/attach", _unsupported, methods=["POST"]),
            Route(f"{one}/restart", self._restart, methods=["POST"]),
            Route(f"{one}/start", self._restart, methods=["POST"]),
            Route(f"{one}/stop", self._halt, methods=["POST"]),
        ]

    async def close(self) -> None:
        """Stop everything; what is stored starts again with the stand-in."""
        await asyncio.gather(*(self._stop(resource_id) for resource_id in list(self._running)))

    async def _start(self, resource: Resource, here: str) -> None:
        await self._stop(resource.id)
        properties = resource.body["properties"]
        containers: list[Container] = []
        for each in properties["containers"]:
            image = await asyncio.to_thread(self.puller.pull, resource, each["properties"]["image"])
            try:
                programs = await prepare(image, packages.cache(), ambient())
            except ImageError as error:
                raise ArmError(400, "ContainerImageNotRunnable", str(error)) from error
            launch = _launch(each["properties"], image, programs, here)
            containers.append(
                Container(
                    name=each["name"],
                    launch=launch,
                    policy=properties["restartPolicy"],
                    liveness=Probe.parse(each["properties"].get("livenessProbe"), here),
                    readiness=Probe.parse(each["properties"].get("readinessProbe"), here),
                    log=Log(self._folder(resource.id) / f"{each['name']}.log"),
                )
            )
        self._running[resource.id.lower()] = containers
        for container in containers:
            container.start()
        await self._wait_until_ready(resource, containers)

    async def _wait_until_ready(self, resource: Resource, containers: list[Container]) -> None:
        try:
            async with asyncio.timeout(START_SECONDS):
                good = await asyncio.gather(*(container.settled() for container in containers))
        except TimeoutError:
            good = [container.ready for container in containers]
        failed = [each for each, fine in zip(containers, good, strict=True) if not fine]
        if failed:
            first = failed[0]
            status = first.view()["currentState"] | (first.view().get("previousState") or {})
            tail = first.log.tail(LOG_LINES_IN_ERROR).strip()
            raise ArmError(
                400,
                "ContainerGroupNotReady",
                f"Container '{first.name}' of '{resource.name}' did not become ready: "
                f"{status.get('detailStatus') or status['state']}, {first.restarts} restarts. "
                f"Its last lines: {tail or 'none'}",
            )

    async def _stop(self, resource_id: str) -> list[Container]:
        containers = self._running.pop(resource_id.lower(), [])
        await asyncio.gather(*(container.stop() for container in containers))
        return containers

    def _address(self, resource: Resource, previous: Resource | None) -> str:
        properties = resource.body["properties"]
        ports = [each["port"] for each in (properties.get("ipAddress") or {}).get("ports") or []]
        kept = ((previous.body["properties"].get("ipAddress") or {}) if previous else {}).get("ip")
        if kept and (resource.id.lower() in self._running or address.free(kept, ports)):
            return kept
        taken = {
            str((each.body["properties"].get("ipAddress") or {}).get("ip"))
            for each in self.surroundings.lookup.list(TYPE)
        }
        counter = self._folder(resource.id) / "created"
        times = int(counter.read_text()) + 1 if counter.exists() else 1
        counter.parent.mkdir(parents=True, exist_ok=True)
        counter.write_text(str(times))
        try:
            seed = f"{self.surroundings.folder}{resource.id.lower()}{times}"
            return address.choose(seed, ports, taken)
        except address.NoAddressError as error:
            raise ArmError(409, "ServiceUnavailable", str(error)) from error

    def _folder(self, resource_id: str) -> Path:
        name = hashlib.sha256(resource_id.lower().encode()).hexdigest()[:16]
        return self.surroundings.folder / name

    def _requested(self, request: Request) -> tuple[Resource, list[Container]]:
        path = request.url.path
        base = path[: path.lower().index("/containergroups/")] + "/containerGroups/"
        resource_id = base + request.path_params["name"]
        resource = self.surroundings.lookup.get(resource_id)
        if resource is None:
            raise not_found(resource_id)
        return resource, self._running.get(resource.id.lower(), [])

    async def _logs(self, request: Request) -> Response:
        resource, containers = self._requested(request)
        for container in containers:
            if container.name == request.path_params["container"]:
                tail = request.query_params.get("tail", "")
                stamps = request.query_params.get("timestamps", "").lower() == "true"
                lines = int(tail) if tail.isdecimal() else None
                return JSONResponse({"content": container.log.tail(lines, timestamps=stamps)})
        raise ArmError(
            404,
            "ContainerNotFound",
            f"The container '{request.path_params['container']}' in container group "
            f"'{resource.name}' is not available.",
        )

    async def _restart(self, request: Request) -> Response:
        resource, _ = self._requested(request)
        await self._start(resource, resource.body["properties"]["ipAddress"]["ip"])
        return Response(status_code=204)

    async def _halt(self, request: Request) -> Response:
        resource, _ = self._requested(request)
        await self._stop(resource.id)
        return Response(status_code=204)


def _launch(container: Mapping[str, Any], image: Image, programs: Path | None, here: str) -> Launch:
    environment = image.environment
    for variable in container.get("environmentVariables") or []:
        secure = variable.get("secureValue")
        environment[variable["name"]] = secure if secure is not None else variable.get("value", "")
    if bind := image.labels.get(BIND_LABEL):
        environment[bind] = here
    path = [str(programs)] if programs else []
    environment["PATH"] = os.pathsep.join([*path, "/usr/local/bin", "/usr/bin", "/bin"])
    environment.setdefault("HOME", "/nonexistent")
    environment.setdefault("PYTHONUNBUFFERED", "1")
    requests = container["resources"]["requests"]
    return Launch(
        command=container.get("command") or image.command,
        environment=environment,
        folder=image.working_directory,
        cores=float(requests["cpu"]),
        memory=int(float(requests["memoryInGB"]) * 10**9),
    )


def _work(body: Body) -> Body:
    """What makes a restart necessary: everything but tags and what Azure adds."""
    return {key: value for key, value in body["properties"].items() if key != "provisioningState"}


def _group_state(containers: Mapping[str, Container]) -> str:
    if not containers:
        return "Stopped"
    states = {each.view()["currentState"]["state"] for each in containers.values()}
    return "Running" if states == {"Running"} else "Pending" if "Waiting" in states else "Failed"


async def _unsupported(request: Request) -> Response:
    raise ArmError(
        400, "NotSupported", f"The stand-in does not support {request.url.path.rsplit('/', 1)[-1]}."
    )
