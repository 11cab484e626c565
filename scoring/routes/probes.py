"""The routes that only look: live, ready, metrics, the description."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from scoring.manifest import Manifest
from scoring.routes.messages import Request, Response, Route

# Prometheus' own name of its text format.
TEXT = "text/plain; version=0.0.4; charset=utf-8"


class Probes:
    """Answers about the service itself; none wants a key."""

    def __init__(
        self,
        manifest: Manifest,
        state: Callable[[], str],
        metrics: Callable[[], bytes],
        describe: Callable[[], dict[str, Any]],
    ) -> None:
        """What they show: the model, and what these functions say when they are asked."""
        self._state = state
        self._metrics = metrics
        self._describe = describe
        self._model = {
            "name": manifest.name,
            "version": manifest.version,
            "sha256": manifest.sha256,
        }
        self._description = b""

    def routes(self) -> dict[str, Route]:
        """Each path with its route."""
        return {
            "/": Route("live", "GET", lambda _: Response(b'{"status":"live"}')),
            "/ready": Route("ready", "GET", self._ready),
            "/metrics": Route("metrics", "GET", lambda _: Response(self._metrics(), kind=TEXT)),
            "/swagger.json": Route("swagger", "GET", self._swagger),
        }

    def _ready(self, _: Request) -> Response:
        state = self._state()
        content = {"status": state, "model": self._model}
        return Response(json.dumps(content).encode(), status=200 if state == "ready" else 503)

    def _swagger(self, _: Request) -> Response:
        if not self._description:  # made when it is first asked for: a start need not wait for it
            self._description = json.dumps(self._describe()).encode()
        return Response(self._description)
