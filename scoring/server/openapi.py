"""`/swagger.json`: what the service takes and answers, with an example of the real shape."""

from __future__ import annotations

from typing import Any

from scoring.entry import EntryScript
from scoring.manifest import Manifest
from scoring.settings import Settings

_REFUSALS = {
    "400": "The body is not JSON, or not rows of finite numbers.",
    "401": "A key is asked for, and none or a wrong one was sent.",
    "408": "The request did not arrive in time.",
    "413": "The body, or its number of rows, is over the limit.",
    "415": "Another content type, charset or encoding.",
    "429": "Too many requests wait already.",
    "500": "The entry script failed.",
    "503": "Connections or buffers are full.",
}


def document(settings: Settings, manifest: Manifest, script: EntryScript) -> dict[str, Any]:
    """The OpenAPI 3.0 document."""
    return {
        "openapi": "3.0.3",
        "info": {
            "title": manifest.name,
            "version": manifest.version,
            "description": settings.description,
        },
        "paths": {
            "/": {"get": _plain("live", {"200": "The process lives."})},
            "/ready": {"get": _plain("ready", {"200": "Ready.", "503": "About to end."})},
            "/metrics": {"get": _plain("metrics", {"200": "Prometheus' text format."})},
            "/score": {"post": _score(manifest, with_key=bool(settings.keys()))},
        },
        "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    }


def _score(manifest: Manifest, *, with_key: bool) -> dict[str, Any]:
    row = {
        "type": "array",
        "items": {"type": "number"},
        "minItems": manifest.features,
        "maxItems": manifest.features,
    }
    body = {
        "type": "object",
        "required": ["data"],
        "properties": {
            "data": {"type": "array", "minItems": 1, "items": row},
            "method": {"type": "string", "default": "predict"},
        },
    }
    example = {"data": [[0.0] * manifest.features]}
    refusal = {
        "type": "object",
        "properties": {
            "error": {
                "type": "object",
                "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
            }
        },
    }
    responses: dict[str, Any] = {
        "200": {
            "description": "One entry a row.",
            "content": {"application/json": {"schema": {"type": "array", "items": {}}}},
        }
    }
    for status, meaning in _REFUSALS.items():
        content = {"application/json": {"schema": refusal}}
        responses[status] = {"description": meaning, "content": content}
    return {
        "operationId": "score",
        "security": [{"key": []}] if with_key else [],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": body, "example": example}},
        },
        "responses": responses,
    }


def _plain(name: str, meanings: dict[str, str]) -> dict[str, Any]:
    responses = {status: {"description": meaning} for status, meaning in meanings.items()}
    return {"operationId": name, "responses": responses}
