"""`/swagger.json`: every route, what it takes and answers, every status, examples that predict."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from scoring.manifest import Manifest
from scoring.model.entry import EntryScript
from scoring.routes import schemas
from scoring.routes.limits import Limits
from scoring.routes.schemas import Schema
from scoring.settings import Settings

# What any request may meet, before its route is asked.
_ALWAYS = {
    "400": "This is not HTTP/1.1, or it has not one Host header.",
    "408": "The request did not arrive in time.",
    "413": "The body, or its number of rows, is over the limit.",
    "415": "Another content type, charset or encoding.",
    "429": "Too many requests wait already.",
    "431": "The request head is over the limit.",
    "501": "Another transfer-encoding than chunked.",
    "503": "The service starts or ends, or its connections, buffers or script are busy.",
}
_SCORING = {
    "400": "The body is not what the schema says; the message names the place.",
    "401": "A key is asked for, and none or a wrong one was sent.",
    "500": "The entry script failed.",
}
_DESCRIPTION = "Predict with scikit-learn"
_TENSORS = """The values of `data` are in row order, flat or as a list of rows, and as many as
`shape` says, which no schema can express. The binary tensor extension is taken, too:
`application/octet-stream`, a JSON head whose input has the parameter `binary_data_size` in place of
`data`, its length in the header `Inference-Header-Content-Length`, and the values as little-endian
bytes after it. A body may be zipped (`Content-Encoding: gzip` or `deflate`)."""


def document(settings: Settings, manifest: Manifest, script: EntryScript) -> dict[str, Any]:
    """The OpenAPI 3.0 document."""
    arrays = script.run_array is not None
    limits = Limits.of(settings, manifest)
    paths = {
        "/": _get("live", schemas.flags("status", kind="string"), "The process lives."),
        "/ready": _get("ready", _state(), "All workers are ready.", busy=_state()),
        "/metrics": _get("metrics", {"type": "string"}, "Counters.", kind="text/plain"),
        "/swagger.json": _get("swagger", {"type": "object"}, "This document."),
        "/score": {"post": _score(limits, manifest, script, arrays=arrays)},
    }
    if arrays:
        paths |= _v2(limits, manifest, script)
    if settings.keys():
        for path in paths.values():
            if "post" in path:
                path["post"]["security"] = [{"key": []}]
    return {
        "openapi": "3.0.3",
        "info": {
            "title": manifest.name,
            "version": manifest.version,
            "description": settings.description or manifest.description or _DESCRIPTION,
        },
        "paths": paths,
        "components": {
            "schemas": {"Error": schemas.ERROR, "V2Error": schemas.V2_ERROR},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _v2(limits: Limits, manifest: Manifest, script: EntryScript) -> dict[str, Any]:
    live, ready = schemas.flags("live"), schemas.flags("ready")
    server = schemas.flags("name", "version", kind="string")
    paths = {
        "/v2": _get("v2-server", server, "The server.", v2=True),
        "/v2/health/live": _get("v2-live", live, "The process lives.", v2=True),
        "/v2/health/ready": _get("v2-ready", ready, "All workers are ready.", v2=True, busy=ready),
    }
    for suffix, path in (
        ("", f"/v2/models/{quote(manifest.name, safe='')}"),
        (
            "-version",
            f"/v2/models/{quote(manifest.name, safe='')}"
            f"/versions/{quote(manifest.version, safe='')}",
        ),
    ):
        paths[path] = _get(f"v2-model{suffix}", schemas.model_metadata(), "The model.", v2=True)
        paths[f"{path}/ready"] = _get(
            f"v2-model-ready{suffix}", ready, "The model is ready.", v2=True, busy=ready
        )
        paths[f"{path}/infer"] = {"post": _infer(limits, manifest, script, f"v2-infer{suffix}")}
    return paths


def _state() -> Schema:
    schema = schemas.flags("status", kind="string")
    schema["properties"]["model"] = schemas.flags("name", "version", "sha256", kind="string")
    schema["required"].append("model")
    return schema


def _score(
    limits: Limits, manifest: Manifest, script: EntryScript, *, arrays: bool
) -> dict[str, Any]:
    body: dict[str, Any] = {"schema": {}}  # an entry script with run() alone knows its own form
    answer: Schema = {}
    if arrays:
        body = {
            "schema": schemas.score_request(manifest, script.methods, limits),
            "example": {"data": [[0.0] * manifest.features]},
        }
        answer = schemas.score_answer()
    return {
        "operationId": "score",
        "requestBody": {"required": True, "content": {"application/json": body}},
        "responses": {
            "200": _response("One entry a row.", answer),
            **_refusals("Error", {**_ALWAYS, **_SCORING}),
        },
    }


def _infer(limits: Limits, manifest: Manifest, script: EntryScript, name: str) -> dict[str, Any]:
    features = manifest.features
    tensor = {"name": "input", "shape": [1, features], "datatype": "FP64", "data": [0.0] * features}
    good = _response("The outputs.", schemas.infer_answer())
    good["content"]["application/octet-stream"] = {"schema": schemas.BYTES}
    return {
        "operationId": name,
        "description": " ".join(_TENSORS.split()),
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": schemas.infer_request(manifest, script.methods, limits),
                    "example": {"inputs": [tensor]},
                }
            },
        },
        "responses": {
            "200": good,
            **_refusals("V2Error", {**_ALWAYS, **_SCORING}),
        },
    }


def _get(
    name: str,
    answer: Schema,
    meaning: str,
    *,
    kind: str = "application/json",
    v2: bool = False,
    busy: Schema | None = None,
) -> dict[str, Any]:
    """A route that only looks; `busy` is what it says with 503 where that is not an error."""
    reference = "V2Error" if v2 else "Error"
    responses = {
        "200": _response(meaning, answer, kind),
        **_refusals(reference, _ALWAYS),
    }
    if busy is not None:
        either = {"anyOf": [busy, {"$ref": f"#/components/schemas/{reference}"}]}
        responses["503"] = _response("Not ready: the service starts or ends.", either)
    return {"get": {"operationId": name, "responses": responses}}


def _refusals(reference: str, meanings: dict[str, str]) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{reference}"}
    return {status: _response(meaning, schema) for status, meaning in sorted(meanings.items())}


def _response(meaning: str, schema: Schema, kind: str = "application/json") -> dict[str, Any]:
    return {"description": meaning, "content": {kind: {"schema": schema}}}
