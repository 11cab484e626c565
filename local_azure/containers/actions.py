"""What can be asked of a container group beyond GET, PUT and DELETE."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from local_azure.arm.availability import CONTAINER_GROUPS
from local_azure.arm.errors import ArmError
from local_azure.arm.ids import not_found
from local_azure.arm.requests import api_version, known_type
from local_azure.arm.service import Lookup, Resource
from local_azure.containers.group import Group

_GROUP = (
    "/subscriptions/{subscription}/resourceGroups/{group}"
    "/providers/Microsoft.ContainerInstance/containerGroups/{name}"
)
_CONTAINER = _GROUP + "/containers/{container}"


class Run(Protocol):
    """Starts a group."""

    def __call__(self, resource: Resource, *, again: bool) -> Awaitable[None]:
        """Start it; stop it first if it runs and `again` is true."""
        ...


@dataclass(frozen=True)
class Actions:
    """The routes of all groups.

    Attributes:
        lookup: The stored resources.
        running: Gives a running group by its id in lower case.
        run: Starts a group.
        halt: Stops a group.
    """

    lookup: Lookup
    running: Callable[[str], Group | None]
    run: Run
    halt: Callable[[Resource], Awaitable[None]]

    def routes(self) -> list[BaseRoute]:
        """All of them."""
        return [
            Route(f"{_CONTAINER}/logs", self._logs),
            Route(f"{_CONTAINER}/exec", self._unsupported, methods=["POST"]),
            Route(f"{_CONTAINER}/attach", self._unsupported, methods=["POST"]),
            Route(f"{_GROUP}/start", self._start, methods=["POST"]),
            Route(f"{_GROUP}/restart", self._restart, methods=["POST"]),
            Route(f"{_GROUP}/stop", self._stop, methods=["POST"]),
        ]

    async def _logs(self, request: Request) -> Response:
        resource = self._group(request, levels=3)
        name = request.path_params["container"]
        lines = _lines(request.query_params.get("tail", ""))
        stamps = request.query_params.get("timestamps", "").lower() == "true"
        group = self.running(resource.id.lower())
        for container in group.containers if group else []:
            if container.plan.name == name:
                return JSONResponse({"content": container.log.tail(lines, timestamps=stamps)})
        raise ArmError(
            404,
            "ContainerNotFound",
            f"The container '{name}' in container group '{resource.name}' is not available.",
        )

    async def _start(self, request: Request) -> Response:
        await self.run(self._group(request), again=False)
        return Response(status_code=204)

    async def _restart(self, request: Request) -> Response:
        await self.run(self._group(request), again=True)
        return Response(status_code=204)

    async def _stop(self, request: Request) -> Response:
        await self.halt(self._group(request))
        return Response(status_code=204)

    async def _unsupported(self, request: Request) -> Response:
        self._group(request, levels=3)
        action = request.url.path.rsplit("/", 1)[-1]
        raise ArmError(
            400,
            "ActionNotSupported",
            f"The stand-in does not support '{action}'; a container's output is at .../logs.",
        )

    def _group(self, request: Request, levels: int = 1) -> Resource:
        """The stored group that a path names, `levels` segments above its end.

        Raises:
            ArmError: 400 for a wrong API version, 404 for an unknown group.
        """
        known_type(CONTAINER_GROUPS, api_version(request))
        resource_id = request.url.path.rsplit("/", levels)[0]
        resource = self.lookup.get(resource_id)
        if resource is None:
            raise not_found(resource_id)
        return resource


def _lines(text: str) -> int | None:
    if not text:
        return None
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return int(text)
    raise ArmError(400, "InvalidTail", f"tail={text[:20]} is no number of lines.", "tail")
