"""What is behind `Microsoft.ContainerRegistry/registries`: a listener and a folder each."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from local_azure import clock
from local_azure.arm.errors import ArmError
from local_azure.arm.ids import not_found
from local_azure.arm.requests import api_version, known_type
from local_azure.arm.service import Body, Resource, Surroundings
from local_azure.registry.registry import Registry
from local_azure.registry.settings import Settings
from local_azure.types.shape import merge

TYPE = "Microsoft.ContainerRegistry/registries"

_RESOURCE = (
    "/subscriptions/{subscription}/resourceGroups/{group}"
    "/providers/Microsoft.ContainerRegistry/registries/{name}"
)


@dataclass
class Registries:
    """All registries of the stand-in.

    Attributes:
        surroundings: The service's folder, the other resources, the certificate.
    """

    surroundings: Surroundings
    type: str = field(default=TYPE, init=False)
    _open: dict[str, Registry] = field(default_factory=dict, init=False)

    async def put(self, resource: Resource, previous: Resource | None) -> Body:
        """Listen, where it does not yet, by the settings as they are now."""
        key, around = resource.id.lower(), self.surroundings
        registry = self._open.get(key)
        if registry is None:
            registry = Registry(resource, self._folder(resource.id), around.verify)
            await registry.start(around.certificate, around.key)
            self._open[key] = registry
        registry.settings = Settings.of(resource)
        before = previous.body.get("properties", {}) if previous else {}
        read_only = {
            "loginServer": registry.host,
            "creationDate": before.get("creationDate") or clock.now(),
        }
        tier = {"tier": resource.body["sku"]["name"]}
        return merge(resource.body, {"properties": read_only, "sku": tier})

    async def resume(self, resource: Resource) -> Body:
        """Listen again, at the same port where that is free."""
        return await self.put(resource, resource)

    async def show(self, resource: Resource) -> Body:
        """As it is stored: nothing in it is secret."""
        return resource.body

    async def delete(self, resource: Resource) -> None:
        """Stop listening and forget all images."""
        if registry := self._open.pop(resource.id.lower(), None):
            await registry.close()
        await asyncio.to_thread(shutil.rmtree, self._folder(resource.id), ignore_errors=True)

    def actions(self) -> Sequence[BaseRoute]:
        """The admin user's passwords."""
        return [
            Route(f"{_RESOURCE}/listCredentials", self._list_credentials, methods=["POST"]),
            Route(f"{_RESOURCE}/regenerateCredential", self._regenerate, methods=["POST"]),
        ]

    async def close(self) -> None:
        """Stop all listeners."""
        await asyncio.gather(*(registry.close() for registry in self._open.values()))
        self._open.clear()

    def find(self, login_server: str) -> Registry | None:
        """The registry that listens at a host, such as `127.0.0.1:40123`."""
        hosts = (each for each in self._open.values() if each.host == login_server.lower())
        return next(hosts, None)

    def _folder(self, resource_id: str) -> Path:
        name = hashlib.sha256(resource_id.lower().encode()).hexdigest()[:16]
        return self.surroundings.folder / name

    async def _list_credentials(self, request: Request) -> Response:
        return _credentials(self._with_admin(request))

    async def _regenerate(self, request: Request) -> Response:
        registry = self._with_admin(request)
        try:
            name = json.loads(await request.body())["name"]
        except (ValueError, KeyError, TypeError):
            name = None
        if name not in ("password", "password2"):
            raise ArmError(
                400, "InvalidPasswordName", "The body must name 'password' or 'password2'.", "name"
            )
        registry.renew(name)
        return _credentials(registry)

    def _with_admin(self, request: Request) -> Registry:
        """The registry of a request.

        Raises:
            ArmError: 404; 400 when its admin user is disabled.
        """
        known_type(TYPE, api_version(request))
        resource_id = request.url.path.rsplit("/", 1)[0]
        registry = self._open.get(resource_id.lower())
        if registry is None:
            raise not_found(resource_id)
        if not registry.settings.admin:
            raise ArmError(
                400,
                "UnAuthorizedForCredentialOperations",
                "Cannot perform credential operations for "
                f"{registry.id} as admin user is disabled. Kindly enable admin user as per docs: "
                "https://aka.ms/acr/admin-account",
            )
        return registry


def _credentials(registry: Registry) -> Response:
    names = ("password", "password2")
    passwords = [
        {"name": name, "value": value}
        for name, value in zip(names, registry.passwords(), strict=True)
    ]
    return JSONResponse({"username": registry.settings.name, "passwords": passwords})
