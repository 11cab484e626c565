"""The life of a resource: checked, created, changed and deleted under ARM's rules."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

from local_azure import types
from local_azure.arm.admission import Admission
from local_azure.arm.bodies import check_unchanged, checked, merged, shown
from local_azure.arm.conditions import Conditions
from local_azure.arm.errors import ArmError
from local_azure.arm.ids import GROUPS, ResourceId, not_found
from local_azure.arm.names import Names
from local_azure.arm.roles import ASSIGNMENTS, check_assignment
from local_azure.arm.rules import check_name
from local_azure.arm.service import Body, Resource, Service, admit
from local_azure.arm.store import Store
from local_azure.arm.subscriptions import check_subscription
from local_azure.types import ResourceType
from local_azure.types.convention import Convention

LOG = logging.getLogger(__name__)

BUSY = frozenset({"Creating", "Pending", "RegisteringDns", "Updating", "Deleting"})
"""Provisioning states of a resource whose operation has not ended."""


@dataclass(frozen=True)
class Started:
    """A change that was accepted.

    Attributes:
        resource: As it is now.
        created: Whether it is new.
        convention: How the type answers.
        work: What is left to do, to be awaited at once or by an operation.
    """

    resource: Resource
    created: bool
    convention: Convention
    work: Awaitable[None]


@dataclass
class Resources:
    """All resources of the stand-in.

    Attributes:
        store: Where they are kept.
        services: The behaviour behind some types.
        names: Names that something else holds: another resource, or a soft-deleted one.
        admission: What the subscription lets in.
        conditions: What the types do of which nobody wrote it down.
    """

    store: Store
    services: Sequence[Service]
    names: Names
    admission: Admission
    conditions: Callable[[], Conditions] = Conditions
    _behind: dict[str, Service] = field(init=False)
    _locks: defaultdict[str, asyncio.Lock] = field(
        default_factory=lambda: defaultdict(asyncio.Lock), init=False
    )

    def __post_init__(self) -> None:
        self._behind = {service.type.lower(): service for service in self.services}

    async def get(self, rid: ResourceId) -> Body:
        """The resource as a GET shows it.

        Raises:
            ArmError: 404.
        """
        found = self.store.get(rid.text)
        if found is None:
            self._check_parent(rid)
            raise not_found(rid.text)
        return await self.show(found)

    async def show(self, resource: Resource) -> Body:
        """The body a client sees: with id, name and type, without secure values."""
        service = self._behind.get(resource.type.lower())
        body = await service.show(resource) if service else resource.body
        documented, answered = types.of(resource.type).convention.spelling
        resource_id = resource.id.replace(documented, answered)
        type_name = f"/{resource.type}".replace(documented, answered)[1:]
        return shown(Resource(resource_id, type_name, body), body)

    async def put(self, rid: ResourceId, kind: ResourceType, body: object) -> Started:
        """Accept a PUT.

        Raises:
            ArmError: whatever Azure would refuse it for.
        """
        self._check_parent(rid)
        self.admission.check(rid.scope, kind.type, "write")
        previous = self.store.get(rid.text)
        self._check_not_busy(rid, previous)
        if previous is None:
            check_name(rid, kind)
        wanted = checked(kind, body, previous)
        return self._accept(rid, kind, wanted, previous)

    async def patch(self, rid: ResourceId, kind: ResourceType, body: object) -> Started:
        """Accept a PATCH: RFC 7396's merge of what the client may set, then as a PUT.

        Raises:
            ArmError: 404, or whatever Azure would refuse it for.
        """
        previous = self.store.get(rid.text)
        if previous is None:
            self._check_parent(rid)
            raise not_found(rid.text)
        self.admission.check(rid.scope, kind.type, "write")
        self._check_not_busy(rid, previous)
        wanted = checked(kind, merged(previous.body, body), previous)
        return self._accept(rid, kind, wanted, previous, whole=True)

    async def delete(
        self, rid: ResourceId, kind: ResourceType, *, purge: bool = False
    ) -> Started | None:
        """Accept a DELETE, of all that is in the resource too. None: there is nothing to delete.

        Args:
            rid: What to delete.
            kind: Its type.
            purge: Leave nothing soft-deleted behind.
        """
        found = self.store.get(rid.text)
        if found is None:
            check_subscription(rid.subscription)
            if purge:
                self.names.purge_id(rid)
            return None
        self.admission.check(rid.scope, kind.type, "delete")
        self._check_not_busy(rid, found)
        inside = self.store.under(rid.text)
        deleting = found.in_state("Deleting")
        self.store.put(deleting)
        return Started(
            deleting,
            False,
            kind.convention,
            self._delete([*inside, found], purge=purge),
        )

    async def resume(self) -> None:
        """After a start: fail what was cut off, let services bring back what was there."""
        for stored in self.store.select():
            resource = stored.resource
            if resource.state in BUSY:
                self.store.put(resource.in_state("Failed"))
            elif service := self._behind.get(resource.type.lower()):
                await self._resume(service, resource)

    async def close(self) -> None:
        """Release what the services hold."""
        for service in self._behind.values():
            await service.close()

    def _accept(
        self,
        rid: ResourceId,
        kind: ResourceType,
        wanted: Body,
        previous: Resource | None,
        *,
        whole: bool = False,
    ) -> Started:
        if previous is not None:
            check_unchanged(kind, previous, wanted)
        else:
            if kind.type == ASSIGNMENTS:
                check_assignment(rid, wanted, self.store)
            wanted = self.names.check(rid, wanted)
        body = kind.complete(
            previous.id if previous else rid.text,
            wanted,
            previous.body if previous and not whole else None,
            keep_unknown=self.conditions().unwrittenKept,
        )
        resource = Resource(previous.id if previous else rid.text, kind.type, body)
        if service := self._behind.get(kind.type.lower()):
            admit(service, resource, previous)
        manners = kind.convention
        started = resource.in_state("Updating" if previous else manners.first)
        self.store.put(started)
        return Started(started, previous is None, manners, self._make(resource, previous))

    async def _make(self, resource: Resource, previous: Resource | None) -> None:
        service = self._behind.get(resource.type.lower())
        async with self._locks[resource.id.lower()]:
            body = resource.body
            try:
                if service:
                    body = await service.put(resource, previous)
            except BaseException as error:
                if not isinstance(error, ArmError):
                    LOG.exception("PUT %s", resource.id)
                self.store.put(previous or resource.in_state("Failed"))
                raise
            self.store.put(replace(resource, body=body).in_state("Succeeded"))

    async def _delete(self, doomed: list[Resource], *, purge: bool) -> None:
        for resource in _innermost_first(doomed):
            async with self._locks[resource.id.lower()]:
                if service := self._behind.get(resource.type.lower()):
                    await service.delete(resource)
                self.names.release(resource, purge=purge)
                self.store.remove(resource.id)
            self._locks.pop(resource.id.lower(), None)

    async def _resume(self, service: Service, resource: Resource) -> None:
        """One resource that cannot come back must not keep the others, or the stand-in, down."""
        async with self._locks[resource.id.lower()]:
            if self.store.get(resource.id) is None:
                return
            try:
                resumed = replace(resource, body=await service.resume(resource))
            except ArmError as error:
                LOG.warning("%s could not be brought back: %s", resource.id, error)
                resumed = resource.in_state("Failed")
            except Exception:
                LOG.exception("%s could not be brought back", resource.id)
                resumed = resource.in_state("Failed")
            self.store.put(resumed)

    def _check_parent(self, rid: ResourceId) -> None:
        check_subscription(rid.subscription)
        group_id = f"/subscriptions/{rid.subscription}/resourceGroups/{rid.group}"
        group = self.store.get(group_id)
        if rid.group and rid.type != GROUPS:
            if group is None:
                raise not_found(group_id)
            if group.state == "Deleting":
                raise ArmError(
                    409,
                    "ResourceGroupBeingDeleted",
                    f"The resource group '{rid.group}' is in deprovisioning state and cannot "
                    "perform this operation.",
                )
        parent = rid.parent
        if parent and parent.count("/") > 2 and self.store.get(parent) is None:
            raise ArmError(
                404,
                "ParentResourceNotFound",
                f"Failed to perform '{rid.type}' on resource(s) of type '{rid.type}', because the "
                f"parent resource '{parent}' could not be found.",
            )

    def _check_not_busy(self, rid: ResourceId, resource: Resource | None) -> None:
        if resource is not None and resource.state in BUSY:
            raise ArmError(
                409,
                types.of(resource.type).convention.busy,
                f"Another operation on '{rid.text}' is in progress ({resource.state}); retry "
                "when it has ended.",
            )


def _innermost_first(resources: list[Resource]) -> list[Resource]:
    """What was made last goes first, and children before their parents."""
    ordered = list(reversed(resources))
    ordered.sort(key=lambda resource: resource.id.count("/"), reverse=True)
    return ordered
