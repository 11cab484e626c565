"""What is behind `Microsoft.ContainerRegistry/registries`: a listener and a folder each."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from starlette.routing import BaseRoute

from local_azure.arm.service import Body, Resource, Surroundings
from local_azure.registry.access import Access
from local_azure.registry.blobs import Blobs
from local_azure.registry.distribution import Distribution
from local_azure.registry.listener import HOST, Listener, bound
from local_azure.types.resource_type import merge

TYPE = "Microsoft.ContainerRegistry/registries"


@dataclass
class Registries:
    """All registries of the stand-in.

    Attributes:
        surroundings: The service's folder, the other resources, the certificate.
    """

    surroundings: Surroundings
    type: str = TYPE
    _listeners: dict[str, Listener] = field(default_factory=dict, init=False)

    async def put(self, resource: Resource, previous: Resource | None) -> Body:
        """Listen, where it does not yet, and answer where."""
        login_server = await self._listen(resource)
        return merge(resource.body, {"properties": {"loginServer": login_server}})

    async def resume(self, resource: Resource) -> Body:
        """Listen again, at the same port where that is free."""
        return await self.put(resource, resource)

    async def show(self, resource: Resource) -> Body:
        """As it is stored: nothing in it is secret."""
        return resource.body

    async def delete(self, resource: Resource) -> None:
        """Stop listening and forget all images."""
        if listener := self._listeners.pop(resource.id.lower(), None):
            await listener.close()
        self.blobs(resource.id).remove()

    def actions(self) -> Sequence[BaseRoute]:
        """None: keys of an admin account are not supported."""
        return ()

    async def close(self) -> None:
        """Stop all listeners."""
        for listener in self._listeners.values():
            await listener.close()
        self._listeners.clear()

    def blobs(self, resource_id: str) -> Blobs:
        """The content of a registry."""
        name = hashlib.sha256(resource_id.lower().encode()).hexdigest()[:16]
        return Blobs(self.surroundings.folder / name)

    def find(self, login_server: str) -> Resource | None:
        """The registry that answers at a host."""
        for resource in self.surroundings.lookup.list(TYPE):
            if resource.body.get("properties", {}).get("loginServer") == login_server.lower():
                return resource
        return None

    async def _listen(self, resource: Resource) -> str:
        key = resource.id.lower()
        if key not in self._listeners:
            blobs = self.blobs(resource.id)
            blobs.folder.mkdir(parents=True, exist_ok=True)
            remembered = blobs.folder / "port"
            sock = bound(int(remembered.read_text()) if remembered.exists() else 0)
            port = sock.getsockname()[1]
            remembered.write_text(str(port))
            access = Access(f"{HOST}:{port}", self.surroundings.verify)
            app = Distribution(blobs, access, lambda: self._anonymous(resource.id)).app()
            listener = Listener(app, sock, self.surroundings.certificate, self.surroundings.key)
            await listener.started()
            self._listeners[key] = listener
        return f"{HOST}:{self._listeners[key].port}"

    def _anonymous(self, resource_id: str) -> bool:
        resource = self.surroundings.lookup.get(resource_id)
        properties = resource.body.get("properties", {}) if resource else {}
        return properties.get("anonymousPullEnabled") is True
