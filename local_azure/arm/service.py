"""What a resource type does besides being stored: the protocol between ARM and a service."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from starlette.routing import BaseRoute

from local_azure.arm.conditions import Conditions

Body = dict[str, Any]
"""An ARM resource body: `location`, `tags`, `identity`, `sku`, `properties`, ..."""


@dataclass(frozen=True)
class Resource:
    """A stored ARM resource.

    Attributes:
        id: The full ARM id, with the case the client used first.
        type: `Namespace/type`, for example `Microsoft.ContainerInstance/containerGroups`.
        body: The complete ARM body, secrets included; what a GET shows is decided by the service.
    """

    id: str
    type: str
    body: Body

    @property
    def name(self) -> str:
        """The last segment of the id."""
        return self.id.rsplit("/", 1)[-1]

    @property
    def state(self) -> str:
        """Its provisioning state, "" where its type has none."""
        return self.body.get("properties", {}).get("provisioningState", "")

    def in_state(self, state: str) -> Resource:
        """The same in another provisioning state, if its type has one."""
        if not self.state:
            return self
        properties = {**self.body["properties"], "provisioningState": state}
        return replace(self, body={**self.body, "properties": properties})


class Lookup(Protocol):
    """What a service may know of the other resources. Ids and types are compared without case."""

    def get(self, resource_id: str) -> Resource | None:
        """The resource with this id."""
        ...

    def list(self, type_name: str) -> Sequence[Resource]:
        """All resources of one type, in the order of their creation."""
        ...

    def age(self, resource_id: str) -> float:
        """Seconds since a resource was made; 0 for one that does not exist."""
        ...


@dataclass(frozen=True)
class Surroundings:
    """What a service is given when it is made (see `local_azure/services.py`, the only such place).

    Attributes:
        url: The stand-in's base URL, without a slash at the end.
        folder: A folder of the service's own in the state folder; it exists and survives restarts.
        lookup: The other resources.
        verify: Checks a bearer token that a client sent to a listener of the service's own. Returns
            its claims (`oid`, `appid`, `tid`, `aud`, `exp`); raises `ArmError` 401 with the reason.
        certificate: The PEM file of the stand-in's server certificate, for 127.0.0.1 and localhost.
        key: The PEM file of its private key.
        database: The stand-in's, for tables of the service's own; used on the event loop alone.
        conditions: What is slow or fails on purpose, as it is now.
    """

    url: str
    folder: Path
    lookup: Lookup
    verify: Callable[[str], Body]
    certificate: Path
    key: Path
    database: sqlite3.Connection
    conditions: Callable[[], Conditions] = Conditions


class Service(Protocol):
    """The behaviour behind one resource type. ARM serialises the calls for one resource id."""

    type: str

    async def put(self, resource: Resource, previous: Resource | None) -> Body:
        """Make the resource real. Returns the body to store, read-only properties filled in.

        Raises:
            ArmError: what Azure would answer; ARM stores the resource with
                `provisioningState: Failed` if it did not exist before, else keeps `previous`.
        """
        ...

    async def delete(self, resource: Resource) -> None:
        """Undo `put`; must succeed for a half-made resource."""
        ...

    async def show(self, resource: Resource) -> Body:
        """The body a GET answers with: live state added, secure values removed."""
        ...

    async def resume(self, resource: Resource) -> Body:
        """Bring a stored resource back after a restart. Returns the body to store."""
        ...

    def actions(self) -> Sequence[BaseRoute]:
        """Routes of the type beyond GET/PUT/PATCH/DELETE, such as a container's logs."""
        ...

    async def close(self) -> None:
        """Release what the service holds (processes, sockets) when the stand-in stops."""
        ...


def admit(service: Service, resource: Resource, previous: Resource | None) -> None:
    """Let a service that can tell at once refuse a PUT, before anything of it is stored.

    Raises:
        ArmError: what Azure answers to the PUT itself.
    """
    check: Callable[[Resource, Resource | None], None] | None = getattr(service, "admit", None)
    if check is not None:
        check(resource, previous)


def open_routes(service: Service) -> Sequence[BaseRoute]:
    """Routes that a service guards itself, by other means than a token; most have none."""
    return getattr(service, "open_routes", list)()
