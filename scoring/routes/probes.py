"""The routes that only look: live, ready, metrics, the description."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from scoring.process.metrics import TEXT
from scoring.routes.messages import Request, Response, Route
from scoring.routes.openapi import document

if TYPE_CHECKING:
    from scoring.routes.application import Service


class Probes:
    """Answers about the service itself; none wants a key."""

    def __init__(self, service: Service) -> None:
        self._service = service
        manifest = service.manifest
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
            "/metrics": Route("metrics", "GET", self._metrics),
            "/swagger.json": Route("swagger", "GET", self._swagger),
        }

    def _ready(self, _: Request) -> Response:
        state = self._service.state
        content = {"status": state, "model": self._model}
        return Response(json.dumps(content).encode(), status=200 if state == "ready" else 503)

    def _metrics(self, _: Request) -> Response:
        service = self._service
        service.publish(answering=1)  # this request was read whole, so nobody else counts it
        return Response(service.metrics.render(), kind=TEXT)

    def _swagger(self, _: Request) -> Response:
        if not self._description:  # made when it is first asked for: a start need not wait for it
            service = self._service
            self._description = json.dumps(
                document(service.settings, service.manifest, service.script)
            ).encode()
        return Response(self._description)
