"""ARM's REST interface to resources: by id, and as collections."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_azure.arm.bodies import parsed
from local_azure.arm.collections import Collections
from local_azure.arm.errors import ArmError
from local_azure.arm.ids import ResourceId, parse
from local_azure.arm.operations import Operations
from local_azure.arm.requests import api_version, known_type
from local_azure.arm.resources import Resources, Started
from local_azure.arm.service import Body


@dataclass(frozen=True)
class Api:
    """The routes under `/subscriptions/...` that no other part of the stand-in answers to.

    Attributes:
        resources: Their life cycle.
        collections: Their lists.
        operations: What goes on after an answer.
    """

    resources: Resources
    collections: Collections
    operations: Operations

    def routes(self) -> list[Route]:
        """One route for all: a path with an even number of segments is a resource, else a list."""
        methods = ["GET", "HEAD", "PUT", "PATCH", "DELETE", "POST"]
        return [Route("/subscriptions/{path:path}", self.answer, methods=methods)]

    async def answer(self, request: Request) -> Response:
        """Dispatch by method and by what the path names."""
        path = request.url.path.rstrip("/")
        version = api_version(request)
        if request.method == "POST":
            raise ArmError(
                404,
                "InvalidResourceAction",
                f"The stand-in has no action '{path.rsplit('/', 1)[-1]}' at '{path}'.",
            )
        if len(path.strip("/").split("/")) % 2:
            if request.method != "GET":
                raise ArmError(
                    405,
                    "MethodNotAllowed",
                    f"The method {request.method} is not allowed for the list '{path}'.",
                )
            filters = dict(request.query_params)
            return JSONResponse(await self.collections.list(path, version, filters))
        return await self._resource(request, parse(path), version)

    async def _resource(self, request: Request, rid: ResourceId, version: str) -> Response:
        kind = known_type(rid.type, version)
        match request.method:
            case "GET":
                return JSONResponse(await self.resources.get(rid))
            case "HEAD":
                await self.resources.get(rid)
                return Response(status_code=204)
            case "DELETE":
                purge = request.query_params.get("forceToPurge", "").lower() == "true"
                return await self._deleted(
                    await self.resources.delete(rid, kind, purge=purge), version
                )
            case "PUT":
                started = await self.resources.put(rid, kind, parsed(await request.body()))
                return await self._put(started, version)
            case _:
                started = await self.resources.patch(rid, kind, parsed(await request.body()))
                if started.convention.patched == 202:
                    return self._later(started, version, 202)
                await started.work
                return JSONResponse(await self._now(started))

    async def _put(self, started: Started, version: str) -> Response:
        manners = started.convention
        status = manners.created if started.created else 200
        first = await self.resources.show(started.resource)
        if manners.finish == "operation":
            body = None if started.created and not manners.body_while_creating else first
            return self._later(started, version, status if body else 202, body)
        await started.work
        if manners.finish == "now" or not started.created:
            first = await self._now(started)
        headers = {}
        if started.created and manners.result:
            values = {"url": self.operations.url, "id": started.resource.id, "version": version}
            headers["Location"] = manners.result.format(**values)
        return JSONResponse(first, status, headers)

    def _later(
        self, started: Started, version: str, status: int, body: Body | None = None
    ) -> Response:
        identifier = self.operations.start(started.resource.id, started.work)
        headers = self.operations.headers(identifier, version, started.convention)
        if body is None:
            return Response(status_code=status, headers=headers)
        return JSONResponse(body, status, headers)

    async def _deleted(self, started: Started | None, version: str) -> Response:
        if started is None:
            return Response(status_code=204)
        if not started.convention.deleted_later:
            await started.work
            return Response(status_code=200)
        identifier = self.operations.start(started.resource.id, started.work)
        return Response(status_code=202, headers=self.operations.headers(identifier, version))

    async def _now(self, started: Started) -> Body:
        stored = self.resources.store.get(started.resource.id)
        return await self.resources.show(stored or started.resource)
