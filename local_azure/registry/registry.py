"""One running registry: its content, its login and its listener."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from local_azure.arm.service import Body, Resource
from local_azure.home import kept_secret
from local_azure.listener import HOST, Listener, bound
from local_azure.registry.distribution import Distribution
from local_azure.registry.errors import HANDLERS, RegistryError
from local_azure.registry.login import Login
from local_azure.registry.metadata import Metadata
from local_azure.registry.settings import Settings
from local_azure.registry.store import Store
from local_azure.registry.tokens import Tokens


class Registry:
    """Listens from the moment it is made and started.

    Attributes:
        id: The ARM id.
        settings: What the resource says now.
        store: Its content.
        host: Where it listens: its login server.
    """

    def __init__(self, resource: Resource, folder: Path, verify: Callable[[str], Body]) -> None:
        self.id = resource.id
        self.settings = Settings.of(resource)
        self._folder = folder
        self.store = Store(folder)
        self._socket = bound(_remembered(folder / "port", resource))
        self.host = f"{HOST}:{self._socket.getsockname()[1]}"
        (folder / "port").write_text(self.host.rsplit(":", 1)[1])
        tokens = Tokens(kept_secret(folder / "signing-key"), self.host)
        login = Login(lambda: self.settings, tokens, verify, self.is_admin)
        self.app = Starlette(
            routes=[
                *login.routes(),
                *Distribution(self.store, login).routes(),
                *Metadata(self.store, login, self.host).routes(),
            ],
            exception_handlers=HANDLERS,
        )
        self.app.add_middleware(_Reachable, settings=lambda: self.settings)
        self._listener: Listener | None = None

    async def start(self, certificate: Path, key: Path) -> None:
        """Listen."""
        self._listener = Listener(self.app, self._socket, certificate, key)
        await self._listener.started()

    async def close(self) -> None:
        """Stop listening; what it holds stays."""
        if self._listener:
            await self._listener.close()

    def passwords(self) -> tuple[str, str]:
        """The admin user's two passwords; made when first asked for."""
        return (
            kept_secret(self._folder / "password"),
            kept_secret(self._folder / "password2"),
        )

    def renew(self, name: str) -> None:
        """Replace one of the passwords, `password` or `password2`."""
        (self._folder / name).unlink(missing_ok=True)
        kept_secret(self._folder / name)

    def is_admin(self, username: str, password: str) -> bool:
        """Whether these are the admin user's name and password, and it may log in."""
        given = password.encode()
        good = [secrets.compare_digest(given, known.encode()) for known in self.passwords()]
        return self.settings.admin and username == self.settings.name and any(good)


class _Reachable:
    """ASGI middleware: a registry that is closed to the public answers nobody here."""

    def __init__(self, app: ASGIApp, settings: Callable[[], Settings]) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._settings().reachable:
            client = Request(scope).client
            refusal = RegistryError(
                403,
                "DENIED",
                f"client with IP '{client.host if client else HOST}' is not allowed access: the "
                "registry's publicNetworkAccess or networkRuleSet closes it to the public.",
            )
            await refusal.response()(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _remembered(path: Path, resource: Resource) -> int:
    """The port of before, as ARM says it, or else by its note; 0 for a new registry."""
    server = str((resource.body.get("properties") or {}).get("loginServer") or "")
    port = server.rpartition(":")[2]
    if port.isascii() and port.isdecimal() and len(port) < 6:
        return int(port)
    try:
        return int(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return 0
