"""Asynchronous operations: work that goes on after the answer, and where to ask about it."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from local_azure import clock, types
from local_azure.arm.errors import ArmError
from local_azure.arm.ids import parse
from local_azure.arm.service import Body
from local_azure.arm.store import Store
from local_azure.types.convention import Convention

LOG = logging.getLogger(__name__)

KEPT_SECONDS = 86_400.0
"""How long the outcome of an operation can be asked for."""

POLL_MILLISECONDS = 50
"""What clients are asked to wait; azure-core takes a `Retry-After: 0` for 30 seconds."""

_REGISTRY = (
    "/subscriptions/{subscription}/resourceGroups/{group}"
    "/providers/Microsoft.ContainerRegistry/registries/{registry}"
)
_PLACE = "/subscriptions/{subscription}/providers/{namespace}/locations/{location}"
_USUAL = Convention()


@dataclass
class Operations:
    """Starts, remembers and answers for operations.

    Attributes:
        url: The stand-in's base URL.
        store: Where their outcomes are kept; a restarted stand-in still answers.
        show: Gives a resource as a GET would, or None; for the result of an operation.
    """

    url: str
    store: Store
    show: Callable[[str], Awaitable[Body | None]]
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def start(self, resource_id: str, work: Awaitable[None]) -> str:
        """Begin `work`; returns the operation's id. An `ArmError` makes the operation `Failed`."""
        identifier = secrets.token_hex(16)
        self.store.connection.execute(
            "INSERT INTO operations VALUES (?, ?, 'InProgress', NULL, ?, NULL)",
            (identifier, resource_id, time.time()),
        )
        task = asyncio.create_task(self._run(identifier, work))
        self._tasks[identifier] = task
        task.add_done_callback(lambda _: self._tasks.pop(identifier, None))
        return identifier

    def headers(
        self,
        identifier: str,
        api_version: str,
        manners: Convention = _USUAL,
        *,
        status: bool = True,
    ) -> dict[str, str]:
        """The headers that send a client polling.

        Args:
            identifier: From `start`.
            api_version: The client's own, handed back in the addresses.
            manners: Where the type has its operations.
            status: Whether to name the `Azure-AsyncOperation` beside the `Location`.
        """
        resource_id = self._row(identifier)[0]
        rid = parse(resource_id)
        stored = self.store.get(resource_id)
        place = _PLACE.format(
            subscription=rid.subscription,
            namespace=rid.type.split("/")[0],
            location=(stored.body.get("location") if stored else None) or "global",
        )
        values = {
            "url": self.url,
            "place": self.url + place,
            "id": resource_id,
            "operation": identifier,
            "version": api_version,
        }
        shown = {"x-ms-retry-after-ms": str(POLL_MILLISECONDS)}
        if manners.result:
            shown["Location"] = manners.result.format(**values)
        if manners.status and status:
            shown["Azure-AsyncOperation"] = manners.status.format(**values)
        return shown

    def routes(self) -> list[Route]:
        """The addresses of an operation, by type (see its overlay)."""
        return [
            Route(_PLACE + "/operationStatuses/{id}", self._status),
            Route(_PLACE + "/operations/{id}", self._status),
            Route(_REGISTRY + "/operationStatuses/registries-{id}", self._status),
            Route(_PLACE + "/workspaceOperationsStatus/{id}", self._status),
            Route(_PLACE + "/operationResults/{id}", self._result),
            Route(_PLACE + "/asyncoperations/{id}", self._result),
        ]

    def preempt(self) -> None:
        """After a start: fail the operations of a stand-in that was killed, forget old ones."""
        self.store.connection.execute(
            "DELETE FROM operations WHERE ended < ?", (time.time() - KEPT_SECONDS,)
        )
        self.store.connection.execute(
            "UPDATE operations SET status = 'Failed', ended = ?, error = ? "
            "WHERE status = 'InProgress'",
            (time.time(), json.dumps(_preempted().body())),
        )

    async def finish(self) -> None:
        """Stop waiting for what still runs; called when the stand-in stops."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, identifier: str, work: Awaitable[None]) -> None:
        error: ArmError | None = None
        try:
            await work
        except ArmError as caught:
            error = caught
        except asyncio.CancelledError:
            error = _preempted()
            raise
        except Exception:
            LOG.exception("operation %s failed", identifier)
            error = ArmError(
                500, "InternalServerError", "The stand-in failed; its log has the reason."
            )
        finally:
            self.store.connection.execute(
                "UPDATE operations SET status = ?, error = ?, ended = ? WHERE id = ?",
                (
                    "Failed" if error else "Succeeded",
                    json.dumps(error.body()) if error else None,
                    time.time(),
                    identifier,
                ),
            )

    async def _status(self, request: Request) -> Response:
        if request.query_params.get("type") == "location":
            return await self._result(request)
        identifier = request.path_params["id"]
        resource_id, status, error, started, ended = self._row(identifier)
        manners = types.of(parse(resource_id).type).convention
        waiting = status == "InProgress"
        headers = {"x-ms-retry-after-ms": str(POLL_MILLISECONDS)} if waiting else {}
        status = manners.running if waiting else status
        if manners.bare and error is None:
            return JSONResponse({"status": status}, headers=headers)
        shown: dict[str, Any] = {
            "id": request.url.path,
            "name": identifier,
            "status": status,
            "startTime": clock.iso(started),
            "resourceId": resource_id,
        }
        if manners.first == "Pending":
            shown["properties"] = {"events": []}
        if ended is not None:
            shown["endTime"] = clock.iso(ended)
        if error is not None:
            shown["error"] = json.loads(error)
        return JSONResponse(shown, headers=headers)

    async def _result(self, request: Request) -> Response:
        identifier = request.path_params["id"]
        resource_id, status, error, *_ = self._row(identifier)
        if status == "InProgress":
            version = request.query_params.get("api-version", "")
            manners = types.of(parse(resource_id).type).convention
            headers = self.headers(identifier, version, manners, status=False)
            return Response(status_code=202, headers=headers)
        if error is not None:
            failed = json.loads(error)
            raise ArmError(409, failed["code"], failed["message"], failed.get("target"))
        shown = await self.show(resource_id)
        return JSONResponse(shown) if shown is not None else Response(status_code=204)

    def _row(self, identifier: str) -> tuple[str, str, str | None, float, float | None]:
        row = self.store.connection.execute(
            "SELECT resource, status, error, started, ended FROM operations WHERE id = ?",
            (identifier,),
        ).fetchone()
        if row is None:
            raise ArmError(404, "OperationNotFound", f"The operation '{identifier}' is unknown.")
        return row


def _preempted() -> ArmError:
    return ArmError(500, "OperationPreempted", "The stand-in was stopped while the operation ran.")
