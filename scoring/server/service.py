"""The service: routes, keys, scoring, errors. It knows requests and answers, not sockets."""

from __future__ import annotations

import asyncio
import hmac
import itertools
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import numpy as np

from scoring.entry import EntryScript
from scoring.errors import Rejection
from scoring.manifest import Manifest
from scoring.server.jsonrows import RowReader, parse_exactly
from scoring.server.messages import JSON, Answer, Request, Response, Route
from scoring.server.metrics import TEXT, Metrics
from scoring.server.openapi import document
from scoring.settings import Settings

if TYPE_CHECKING:
    from scoring.server.connection import Connection


class Service:
    """One worker's state: the script, the limits, the open connections."""

    def __init__(
        self,
        settings: Settings,
        manifest: Manifest,
        script: EntryScript,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.settings = settings
        self.manifest = manifest
        self.loop = loop
        self.now = loop.time
        self.connections: set[Connection] = set()
        self.buffered = 0  # bytes of bodies that wait
        self.draining = False
        self.last_active = 0.0  # when a client last connected or was answered
        self.date_line = ""
        self._metrics = Metrics(manifest)
        self._script = script
        self._keys = settings.keys()
        self._reader = RowReader(manifest.features, settings.max_rows, script.methods)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="script")
        self._waiting = 0
        self._identity = f"x-model-sha256: {manifest.sha256}\r\n"
        self._request_ids = (
            f"{prefix}{number:016x}"
            for prefix in [os.urandom(8).hex()]
            for number in itertools.count(1)
        )
        self.routes = self._routes()

    def _routes(self) -> dict[str, Route]:
        score = self._score_arrays if self._script.run_array else self._score_text
        routes = {
            "/": Route("live", "GET", self._live),
            "/ready": Route("ready", "GET", self._ready),
            "/metrics": Route("metrics", "GET", self._measured),
            "/score": Route("score", "POST", score, private=True, media_types=(JSON,)),
            "/swagger.json": Route("swagger", "GET", self._swagger),
        }
        self._swagger_body = json.dumps(document(self.settings, self.manifest)).encode()
        return routes

    # What a connection calls

    def admit(self, request: Request) -> None:
        """Refuse, by the head alone, a request that could only fail."""
        headers = request.headers
        request.id = _request_id(headers) or next(self._request_ids)
        route = self.routes.get(request.path)
        if route is None:
            raise Rejection(404, "not_found", f"there is nothing at {_printable(request.path)}")
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
        if route.private and self._keys:
            self._authorize(headers.get(b"authorization", b""))
        if route.media_types:
            _check_media_type(headers.get(b"content-type"), route.media_types)

    def handle(self, request: Request) -> Answer:
        """Answer an admitted request, now or by a coroutine."""
        route = request.route
        if route is None:
            return self.rejected(request, Rejection(400, "bad_http", "the request has no route"))
        try:
            return route.handler(request)
        except Rejection as rejection:
            return self.rejected(request, rejection)
        except Exception as error:
            return self._failed(request, error)

    def rejected(self, request: Request, rejection: Rejection) -> Response:
        """A rejection as an answer."""
        error = {"code": rejection.code, "message": rejection.message}
        headers = "".join(f"{name}: {value}\r\n" for name, value in rejection.headers)
        if rejection.status == 401:
            headers += "www-authenticate: Bearer\r\n"
        if request.route is not None and request.route.private:
            headers += self._identity
        if not request.id:
            request.id = next(self._request_ids)
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
        """Count and log an answer that was written: never a payload, a header or a key."""
        self.last_active = self.now()
        route = request.route.name if request.route else ""
        nanoseconds = perf_counter_ns() - request.started if request.started else 0
        self._metrics.count(route, response.status, response.error)
        if route == "score" and not response.error:
            self._metrics.scored(request.rows, nanoseconds / 1e9)
        if not (self.settings.log_requests or response.error):
            return
        line: dict[str, Any] = {
            "event": "request",
            "id": request.id,
            "route": route,
            "status": response.status,
            "rows": request.rows,
            "ms": round(nanoseconds / 1e6, 3),
        }
        if response.error:
            line["error"] = response.error
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()

    # Routes

    def _live(self, _: Request) -> Response:
        return Response(b'{"status":"live"}')

    def _ready(self, _: Request) -> Response:
        manifest = self.manifest
        content = {
            "status": "draining" if self.draining else "ready",
            "model": {
                "name": manifest.name,
                "version": manifest.version,
                "sha256": manifest.sha256,
            },
        }
        return Response(json.dumps(content).encode(), status=503 if self.draining else 200)

    def _measured(self, _: Request) -> Response:
        busy = sum(not connection.idle for connection in self.connections)
        # This request was read whole, so its own connection counts as idle.
        body = self._metrics.render(in_flight=busy + 1, connections=len(self.connections))
        return Response(body, kind=TEXT)

    def _swagger(self, _: Request) -> Response:
        return Response(self._swagger_body)

    def _score_arrays(self, request: Request) -> Answer:
        rows, method = self._reader.read(request.body)
        request.body = b""
        request.rows = len(rows)
        if self._script.quick:
            return self._predictions(self._run_array(rows, method))
        return self._slowly(request, lambda: self._predictions(self._run_array(rows, method)))

    def _score_text(self, request: Request) -> Answer:
        """For a script without run_array(): the text goes through, if it is JSON."""
        parse_exactly(request.body)
        text = request.body.decode("utf-8")
        return self._slowly(request, lambda: self._text_answer(self._script.run(text)))

    def _run_array(self, rows: np.ndarray, method: str) -> np.ndarray:
        run_array = self._script.run_array
        assert run_array is not None  # noqa: S101 (the route exists only with the hook)
        return run_array(rows, method)

    def _predictions(self, values: np.ndarray) -> Response:
        if values.dtype.kind in "iu":
            body = str(values.tolist()).encode()  # a list of integers reads the same as JSON
        else:
            body = json.dumps(values.tolist(), allow_nan=False).encode()
        return Response(body, headers=self._identity)

    def _text_answer(self, result: Any) -> Response:
        """A script's own JSON text as it is; anything else as JSON."""
        text = result if isinstance(result, str) else json.dumps(result)
        return Response(text.encode(), headers=self._identity)

    # A slow script's thread

    async def _slowly(self, request: Request, work) -> Response:  # noqa: ANN001
        """Run on the script's own thread, so that other clients and probes are answered."""
        limit = self.settings.max_queue
        if self._waiting >= limit:
            return self.rejected(
                request,
                Rejection(429, "queue_full", f"{limit} requests wait already", retry_after=1),
            )
        self._waiting += 1
        queued = self._thread.submit(work)
        future = asyncio.wrap_future(queued, loop=self.loop)
        future.add_done_callback(self._left_queue)
        try:
            return await asyncio.wait_for(asyncio.shield(future), self.settings.score_timeout)
        except TimeoutError:
            timeout = self.settings.score_timeout
            return self.rejected(
                request,
                Rejection(
                    503,
                    "script_too_slow",
                    f"the script did not answer within {timeout:g} seconds",
                    retry_after=1,
                ),
            )
        except Rejection as rejection:
            return self.rejected(request, rejection)
        except Exception as error:
            return self._failed(request, error)
        finally:
            queued.cancel()  # where nobody waits any more, it need not begin

    def _left_queue(self, future: asyncio.Future[Response]) -> None:
        self._waiting -= 1
        if not future.cancelled():
            future.exception()  # looked at: it was answered, or nobody waits for it any more

    def _failed(self, request: Request, error: Exception) -> Response:
        """The script's own failure: its kind and message, never its traceback."""
        message = f"the scoring script failed: {type(error).__name__}: {error}"
        return self.rejected(request, Rejection(500, "script_failed", message))

    # Checks

    def _authorize(self, header: bytes) -> None:
        scheme, _, given = header.partition(b" ")
        given = given.strip()
        # Every key is compared, each in constant time, so that time tells nothing.
        matches = [hmac.compare_digest(given, key) for key in self._keys]
        if scheme.lower() != b"bearer" or not any(matches):
            raise Rejection(
                401, "bad_key", "send a valid key in the header `Authorization: Bearer KEY`"
            )

    def close(self) -> None:
        """Leave the script's thread behind."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _request_id(headers: dict[bytes, bytes]) -> str:
    """The caller's own id, or the trace id of `traceparent`; empty where neither is usable."""
    given = headers.get(b"x-ms-request-id")
    if given is not None and 0 < len(given) <= 128 and given.isascii():
        text = given.decode("ascii")
        if text.isprintable() and not set(text) & set(' "\\'):
            return text
    parts = headers.get(b"traceparent", b"").split(b"-")
    if len(parts) >= 4 and len(parts[1]) == 32 and parts[1].isalnum() and parts[1].isascii():
        return parts[1].decode("ascii")
    return ""


def _check_media_type(header: bytes | None, allowed: tuple[str, ...]) -> None:
    if header is None or header == b"application/json":
        return
    kind, _, parameters = header.decode("latin-1").partition(";")
    if kind.strip().lower() not in allowed:
        raise Rejection(
            415,
            "bad_content_type",
            f"content-type is {_printable(kind)}; send {' or '.join(allowed)}",
        )
    name, _, value = parameters.strip().partition("=")
    if name.lower() == "charset" and value.strip('"').lower() not in ("utf-8", "utf8"):
        raise Rejection(415, "bad_charset", f"charset is {_printable(value)}; send UTF-8")


def _printable(text: str) -> str:
    """A client's text, short and quoted, for a message."""
    return json.dumps(text if len(text) <= 80 else text[:77] + "...")
