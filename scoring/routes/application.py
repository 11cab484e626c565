"""The application: routes, refusals, what is counted and logged. It knows no socket."""

from __future__ import annotations

import json
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any, Protocol

from scoring.errors import Rejection
from scoring.manifest import Manifest
from scoring.model.entry import EntryScript
from scoring.routes.admission import Keys, check_media_type, fresh_ids, identify, printable
from scoring.routes.cross_origin import CrossOrigin
from scoring.routes.limits import Limits
from scoring.routes.messages import Answer, Request, Response, Route
from scoring.routes.openapi import document
from scoring.routes.probes import Probes
from scoring.routes.score import AzureML, Scorer
from scoring.routes.script_thread import ScriptThread
from scoring.routes.v2 import InferenceProtocol
from scoring.settings import Settings

_CHALLENGE = (b"www-authenticate", b"Bearer")


class Metrics(Protocol):
    """Where answers are counted."""

    def count(self, route: str, status: int, error: str) -> None:
        """An answer; `error` is empty for a good one."""
        ...

    def scored(self, rows: int, seconds: float) -> None:
        """A scored request: its rows, and the time from its head to its answer."""
        ...

    def render(self) -> bytes:
        """All of it as Prometheus' text."""
        ...


class Log(Protocol):
    """Where answers and events are written."""

    def event(self, name: str, **content: Any) -> None:
        """Something that happened to the service itself."""
        ...

    def request(
        self,
        identity: str,
        trace: str,
        route: str,
        status: int,
        rows: int,
        milliseconds: float,
        error: str,
    ) -> None:
        """An answered request."""
        ...


class ScoringApplication:
    """Answers requests with one script; a server asks it through `messages.Application`."""

    def __init__(
        self,
        settings: Settings,
        manifest: Manifest,
        script: EntryScript,
        metrics: Metrics,
        log: Log,
        state: Callable[[], str],
    ) -> None:
        """Make the routes; `state` says `starting`, `ready` or `draining`."""
        self._settings = settings
        self._manifest = manifest
        self._script = script
        self._metrics = metrics
        self._log = log
        self._state = state
        self._keys = Keys(settings)
        self._thread = ScriptThread(
            settings.max_queue, settings.score_timeout, settings.max_buffered_bytes
        )
        self._cross_origin = CrossOrigin(settings.cors_origins or "")
        self._identity = ((b"x-model-sha256", manifest.sha256.encode("ascii")),)
        self._fresh_ids = fresh_ids()
        self.routes = self._routes()

    def _routes(self) -> dict[str, Route]:
        script, manifest, settings = self._script, self._manifest, self._settings
        arrays = script.run_array is not None
        scorer = Scorer(script, self._thread, self._identity)
        limits = Limits.of(settings, manifest)
        routes = Probes(
            manifest,
            self._state,
            self._metrics.render,
            lambda: document(settings, manifest, script),
        ).routes()
        routes["/score"] = AzureML(scorer, limits).route(arrays=arrays)
        if arrays:
            protocol = InferenceProtocol(manifest, scorer, limits)
            routes |= protocol.routes(lambda: self._state() == "ready")
        return routes

    # What a server calls

    def admit(self, request: Request) -> Response | None:
        """The refusal, by the head alone, of a request that could only fail."""
        identify(request, self._fresh_ids)
        self._cross_origin.mark(request)
        try:
            self._admit(request)
        except Rejection as rejection:
            return self.refuse(request, rejection)
        return None

    def _admit(self, request: Request) -> None:
        route = self.routes.get(request.path)
        if route is None:
            raise Rejection(404, "not_found", f"there is nothing at {printable(request.path)}")
        request.route = route
        if request.method == "OPTIONS" and self._cross_origin.preflight(request):
            return
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
        """A refusal, or our own failure: its kind and message, never its traceback."""
        # Its frames hold the body, and often the error itself: the megabytes would wait for the
        # garbage collector.
        error.__traceback__ = error.__context__ = error.__cause__ = None
        if not isinstance(error, Rejection):
            error = Rejection(500, "failed", f"the service failed: {type(error).__name__}: {error}")
        return self.refuse(request, error)

    def refuse(self, request: Request, rejection: Rejection) -> Response:
        """A rejection as an answer, in the form of the protocol that was spoken."""
        error: Any = {"code": rejection.code, "message": rejection.message}
        if request.path.startswith("/v2"):
            error = rejection.message
        headers = tuple((name.encode(), value.encode()) for name, value in rejection.headers)
        if rejection.status == 401:
            headers += (_CHALLENGE,)
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

    def answered(self, request: Request, response: Response) -> None:
        """Count and log an answer that was written."""
        route, name = request.route, ""
        nanoseconds = perf_counter_ns() - request.started if request.started else 0
        if route is not None:
            name = route.name
            if route.scores and not response.error:
                self._metrics.scored(request.rows, nanoseconds / 1e9)
        self._metrics.count(name, response.status, response.error)
        if self._settings.log_requests or response.error:
            self._log.request(
                request.id,
                request.trace,
                name,
                response.status,
                request.rows,
                nanoseconds / 1e6,
                response.error,
            )

    # What the process calls

    def tend(self) -> None:
        """Called a few times a second: read changed keys."""
        problem = self._keys.refresh()
        if problem:
            self._log.event("key_file_unreadable", reason=problem)

    def close(self) -> None:
        """Leave the script's thread behind."""
        self._thread.close()
