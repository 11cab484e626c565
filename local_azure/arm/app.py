"""The stand-in's one HTTP application, put together from its parts."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, ExceptionHandler, Message, Receive, Scope, Send

from local_azure.arm import roles
from local_azure.arm.admission import Admission
from local_azure.arm.api import Api
from local_azure.arm.availability import Availability
from local_azure.arm.catalogue import Catalogue
from local_azure.arm.collections import Collections
from local_azure.arm.conditions import Conditions
from local_azure.arm.errors import HANDLERS
from local_azure.arm.login import Login
from local_azure.arm.names import Names
from local_azure.arm.operations import Operations
from local_azure.arm.paths import CanonicalPaths
from local_azure.arm.requests import Authenticated, Bounded
from local_azure.arm.resources import Resources
from local_azure.arm.service import Body, Service, open_routes
from local_azure.arm.soft_delete import SoftDeletes
from local_azure.arm.store import Store
from local_azure.arm.text import printable
from local_azure.arm.tokens import Tokens

ExceptionHandlers = Mapping[type[Exception], ExceptionHandler]

RESUME_SECONDS = 15.0
"""How long a start waits for services to bring their resources back; they go on after it."""

LOG = logging.getLogger(__name__)


def create_app(
    url: str,
    store: Store,
    tokens: Tokens,
    services: Sequence[Service],
    exception_handlers: ExceptionHandlers,
    conditions: Callable[[], Conditions] = Conditions,
) -> Starlette:
    """Make the application.

    Args:
        url: The base URL that clients use, without a slash at the end.
        store: Its memory; closed by the caller.
        tokens: Issues and checks access tokens.
        services: The behaviour behind some types.
        exception_handlers: For errors of services that speak another language than ARM.
        conditions: What is slow or fails on purpose, as it is now.
    """
    names = Names(store)
    admission = Admission(conditions)
    resources = Resources(store, services, names, admission, conditions)

    async def show(resource_id: str) -> Body | None:
        found = store.get(resource_id)
        return await resources.show(found) if found else None

    operations = Operations(url, store, show)
    arm = [
        *Catalogue(admission).routes(),
        *admission.routes(),
        *Availability(names, conditions).routes(),
        *roles.routes(),
        *operations.routes(),
        *SoftDeletes(names, operations).routes(),
        *(action for service in services for action in service.actions()),
        *Api(resources, Collections(resources), operations).routes(),
    ]

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        operations.preempt()
        resuming = asyncio.create_task(resources.resume())
        await asyncio.wait({resuming}, timeout=RESUME_SECONDS)
        try:
            yield
        finally:
            resuming.cancel()
            await asyncio.gather(resuming, return_exceptions=True)
            await operations.finish()
            await resources.close()

    guarded = [Middleware(Bounded), Middleware(Authenticated, tokens=tokens)]
    return Starlette(
        routes=[
            Route("/health", _health),
            *(route for service in services for route in open_routes(service)),
            *Login(url, tokens).routes(),
            Mount("", routes=arm, middleware=guarded),
        ],
        middleware=[Middleware(Logged), Middleware(CanonicalPaths)],
        exception_handlers={**HANDLERS, **exception_handlers},
        lifespan=lifespan,
    )


async def _health(_: Request) -> Response:
    """Open: tells a starter that this is the stand-in and that it is ready."""
    return JSONResponse({"status": "ready", "service": "local-azure"})


@dataclass(frozen=True)
class Logged:
    """ASGI middleware: logs each request without its query, adds Azure's request ids."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and log its outcome."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        asked = Request(scope).headers.get("x-ms-client-request-id", "")
        identifier = str(uuid.uuid4())
        status = 0

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["x-ms-request-id"] = headers["x-ms-correlation-request-id"] = identifier
                if asked:
                    headers["x-ms-client-request-id"] = asked
            await send(message)

        try:
            await self.app(scope, receive, sent)
        finally:
            LOG.info(
                "%s %s -> %s in %.1f ms",
                scope["method"],
                printable(scope["path"]),
                status or "no answer",
                (time.perf_counter() - began) * 1000,
            )
