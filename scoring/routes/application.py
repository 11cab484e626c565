"""The service: routes, refusals, the log. It knows requests and answers, not sockets."""

from __future__ import annotations

import asyncio
import json
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from scoring.errors import Rejection, RowError
from scoring.http.body import Buffers
from scoring.manifest import Manifest
from scoring.model.entry import EntryScript
from scoring.process.log import Log
from scoring.process.memory import Heap
from scoring.process.metrics import Metrics
from scoring.process.scoreboard import Board
from scoring.routes.admission import Keys, check_media_type, fresh_ids, identify, printable
from scoring.routes.fair_turns import Turns
from scoring.routes.json_rows import RowReader
from scoring.routes.messages import Answer, Request, Response, Route
from scoring.routes.probes import Probes
from scoring.routes.score import AzureML, Scorer
from scoring.routes.script_thread import ScriptThread
from scoring.routes.v2 import InferenceProtocol
from scoring.settings import Settings

if TYPE_CHECKING:
    from scoring.http.connection import Connection


class Service:
    """One worker's state: the script, the limits, the open connections."""

    def __init__(
        self,
        settings: Settings,
        manifest: Manifest,
        script: EntryScript,
        loop: asyncio.AbstractEventLoop,
        board: Board,
        worker: int = 0,
    ) -> None:
        self.settings = settings
        self.manifest = manifest
        self.script = script
        self.loop = loop
        self.now = loop.time
        self.connections: set[Connection] = set()
        self.buffers = Buffers(settings)
        self.turns = Turns(loop)
        self.draining = False
        self.last_active = 0.0  # when a client last connected or was answered
        self.date_line = ""
        self.log = Log()
        self._heap = Heap()
        self.metrics = Metrics(manifest, board, worker)
        self._board = board
        self._keys = Keys(settings)
        self._thread = ScriptThread(loop, settings.max_queue, settings.score_timeout)
        self._identity = f"x-model-sha256: {manifest.sha256}\r\n"
        self._fresh_ids = fresh_ids()
        self.routes = self._routes()

    def _routes(self) -> dict[str, Route]:
        arrays = self.script.run_array is not None
        scorer = Scorer(self.script, self._thread, self._identity)
        reader = RowReader(self.manifest.features, self.settings.max_rows, scorer.methods)
        routes = Probes(self).routes()
        routes["/score"] = AzureML(scorer, reader).route(arrays=arrays)
        if arrays:
            protocol = InferenceProtocol(self.manifest, scorer, self.settings.max_rows)
            routes |= protocol.routes(lambda: self.state == "ready")
        return routes

    @property
    def state(self) -> str:
        """`starting`, `ready` or `draining`: of all workers together."""
        if self.draining or self._board.draining:
            return "draining"
        return "ready" if self._board.open else "starting"

    # What a connection calls

    def admit(self, request: Request) -> None:
        """Refuse, by the head alone, a request that could only fail."""
        identify(request, self._fresh_ids)
        route = self.routes.get(request.path)
        if route is None:
            raise Rejection(404, "not_found", f"there is nothing at {printable(request.path)}")
        request.route = route
        if request.method != route.method and not (
            request.method == "HEAD" and route.method == "GET"
        ):
            raise Rejection(
                405,
                "bad_method",
                f"{request.path} takes {route.allowed}",
                headers=(("allow", route.allowed),),
            )
        if route.scores:
            headers = request.headers
            self._keys.check(headers.get(b"authorization", b""))
            kind = headers.get(b"content-type")
            if kind not in route.plain:
                check_media_type(kind or b"", route.media_types)

    def handle(self, request: Request) -> Answer:
        """Answer an admitted request, now or by a coroutine."""
        route = request.route
        try:
            if route is None:
                raise Rejection(400, "bad_http", "the request has no route")
            answer = route.handler(request)
        except Exception as error:
            return self._failed(request, error)
        return answer if type(answer) is Response else self._awaited(request, answer)

    async def _awaited(self, request: Request, answer: Any) -> Response:
        try:
            return await answer
        except Exception as error:
            return self._failed(request, error)

    def _failed(self, request: Request, error: Exception) -> Response:
        """A refusal, or the script's own failure: its kind and message, never its traceback."""
        if isinstance(error, RowError):
            error = Rejection(400, "bad_rows", str(error))
        if not isinstance(error, Rejection):
            message = f"the scoring script failed: {type(error).__name__}: {error}"
            error = Rejection(500, "script_failed", message)
        return self.rejected(request, error)

    def rejected(self, request: Request, rejection: Rejection) -> Response:
        """A rejection as an answer, in the form of the protocol that was spoken."""
        error: Any = {"code": rejection.code, "message": rejection.message}
        if request.path.startswith("/v2"):
            error = rejection.message
        headers = "".join(f"{name}: {value}\r\n" for name, value in rejection.headers)
        if rejection.status == 401:
            headers += "www-authenticate: Bearer\r\n"
        if request.route is not None and request.route.scores:
            headers += self._identity
        if not request.id:
            request.id = next(self._fresh_ids)
        return Response(
            json.dumps({"error": error}).encode(),
            status=rejection.status,
            headers=headers,
            error=rejection.code,
        )

    def reject_later(self, request: Request, rejection: Rejection) -> None:
        """Let a request that is answered in its turn be answered with a rejection."""
        response = self.rejected(request, rejection)
        name = request.route.name if request.route else ""
        request.route = Route(name, request.method, lambda _: response)

    def answered(self, request: Request, response: Response) -> None:
        """Count and log an answer that was written."""
        self.last_active = self.now()
        route, name = request.route, ""
        nanoseconds = perf_counter_ns() - request.started if request.started else 0
        if route is not None:
            name = route.name
            if route.scores and not response.error:
                self.metrics.scored(request.rows, nanoseconds / 1e9)
        self.metrics.count(name, response.status, response.error)
        if self.settings.log_requests or response.error:
            self.log.request(
                request.id,
                request.trace,
                name,
                response.status,
                request.rows,
                nanoseconds / 1e6,
                response.error,
            )

    # What the worker calls

    def tend(self) -> None:
        """Called a few times a second: end what waits too long, show the numbers, tidy up."""
        now = self.now()
        for connection in tuple(self.connections):
            connection.sweep(now)
        problem = self._keys.refresh()
        if problem:
            self.log.event("key_file_ignored", reason=problem)
        self.publish()
        self.log.flush()
        if all(connection.idle for connection in self.connections):
            self._heap.tend(now, self.last_active)

    def publish(self, *, answering: int = 0) -> None:
        """Show this worker's numbers to the others."""
        busy = sum(not connection.idle for connection in self.connections)
        self.metrics.publish(connections=len(self.connections), in_flight=busy + answering)

    def close(self) -> None:
        """Leave the script's thread behind, and no line unwritten."""
        self._thread.close()
        self.publish()
        self.log.flush()
