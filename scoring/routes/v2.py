"""The Open Inference Protocol V2: what a request asks for, and the answer, as JSON or raw bytes.

A binary request is a JSON head of `inference-header-content-length` bytes, followed by the input's
values in row order, little-endian; its answer has the same form. Sizes are in bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import simdjson

from scoring.manifest import Manifest
from scoring.routes.json_rows import parse_exactly
from scoring.routes.messages import JSON, Answer, Handler, Request, Response, Route
from scoring.routes.outputs import BINARY, HEAD_LENGTH, Outputs, metadata
from scoring.routes.score import Scorer
from scoring.routes.tensors import Rows, TensorReader, bad
from scoring.routes.v2_request import Plan, PlanReader

# A client sends the same few heads again and again: what they mean is remembered.
_MOST_PLANS, _LONGEST_HEAD = 256, 2048
_DEEPEST = 32


class InferenceProtocol:
    """The V2 routes of one model."""

    def __init__(self, manifest: Manifest, scorer: Scorer, max_rows: int) -> None:
        self._manifest = manifest
        self._scorer = scorer
        self._tensors = TensorReader(manifest.features, max_rows, scorer.dtypes)
        self._reader = PlanReader(manifest.features, scorer.methods, self._tensors)
        self._outputs = Outputs(manifest, scorer)
        self._parser = simdjson.Parser()
        self._plans: dict[bytes, Plan] = {}

    def routes(self, ready: Callable[[], bool]) -> dict[str, Route]:
        """Each path with its route; the model is found under its name and under its version."""
        manifest = self._manifest
        server = {
            "name": manifest.name,
            "version": manifest.version,
            "extensions": ["binary_tensor_data"],
        }

        def answer_ready(_: Request) -> Response:
            answer = ready()
            return Response(json.dumps({"ready": answer}).encode(), status=200 if answer else 503)

        routes = {
            "/v2": Route("v2-server", "GET", _always(server)),
            "/v2/health/live": Route("v2-live", "GET", _always({"live": True})),
            "/v2/health/ready": Route("v2-ready", "GET", answer_ready),
        }
        model = f"/v2/models/{quote(manifest.name, safe='')}"
        for path in (model, f"{model}/versions/{quote(manifest.version, safe='')}"):
            routes[path] = Route("v2-model", "GET", _always(metadata(manifest, self._scorer)))
            routes[f"{path}/ready"] = Route("v2-ready", "GET", answer_ready)
            routes[f"{path}/infer"] = Route(
                "v2-infer", "POST", self._infer, scores=True, media_types=(JSON, BINARY)
            )
        return routes

    def _infer(self, request: Request) -> Answer:
        plan, rows = self._read(request)
        request.body = b""
        request.rows = plan.count
        return self._scorer.run(lambda: self._outputs.answer(plan, rows))

    # Requests

    def _read(self, request: Request) -> tuple[Plan, Rows]:
        body = request.body
        declared = request.headers.get(HEAD_LENGTH)
        if declared is None:
            return self._read_json(bytes(body))
        if not declared.isdigit() or len(declared) > 19 or int(declared) > len(body):
            raise bad(f"{HEAD_LENGTH} is not a number of bytes from 0 to {len(body)}")
        start = int(declared)
        head = bytes(body[:start])
        plan = self._plans.get(head)
        if plan is None:
            plan = self._reader.read(parse_exactly(head))
            if plan.size is None:
                if start != len(body):
                    raise bad(f"{len(body) - start} bytes follow a head with JSON data")
                return self._read_json(head)
            if start <= _LONGEST_HEAD:
                if len(self._plans) >= _MOST_PLANS:
                    self._plans.clear()
                self._plans[head] = plan
        if plan.size != len(body) - start:
            raise bad(
                f"{plan.count} rows are {plan.size} bytes; {len(body) - start} follow the head"
            )
        return plan, self._tensors.from_bytes(body, start, plan.dtype, plan.count)

    def _read_json(self, body: bytes | bytearray) -> tuple[Plan, Rows]:
        try:
            document = self._parser.parse(body)
        except (ValueError, RuntimeError):
            content = parse_exactly(body)  # says where the fault is, if it is one
            plan = self._reader.read(content)
            data = content["inputs"][0].get("data")
            return plan, self._tensors.from_lists(data, plan.dtype, plan.count)
        content, data = _without_data(document)
        plan = self._reader.read(content)
        if plan.size is not None:
            raise bad(
                f"binary_data_size is {plan.size}, and no bytes follow: send the header"
                f" {HEAD_LENGTH}"
            )
        return plan, self._tensors.from_json(data, body, plan.dtype, plan.count)


def _always(content: dict[str, Any]) -> Handler:
    """A handler whose answer never changes."""
    body = json.dumps(content).encode()
    return lambda _: Response(body)


def _without_data(document: Any) -> tuple[Any, Any]:
    """A request as Python's own values, and apart from it, as it is, the input's long `data`."""
    if type(document) is not simdjson.Object:
        return None, None
    inputs, data = document.get("inputs"), None
    content = _plain(document, leave="inputs")
    if type(inputs) is simdjson.Array and len(inputs) == 1 and type(inputs[0]) is simdjson.Object:
        tensor: Any = inputs[0]
        data = tensor.get("data")
        content["inputs"] = [_plain(tensor, leave="data")]
    elif inputs is not None:
        content["inputs"] = _plain(inputs)
    return content, data


def _plain(value: Any, depth: int = 0, leave: str = "") -> Any:
    """simdjson's value as Python's own, with None in place of the key `leave`."""
    if depth > _DEEPEST:
        raise bad("the request is nested too deeply")
    if type(value) is simdjson.Array:
        return [_plain(each, depth + 1) for each in value]
    if type(value) is not simdjson.Object:
        return value
    found = {key: None if key == leave else _plain(each, depth + 1) for key, each in value.items()}
    if len(found) != len(value):
        raise bad("an object holds the same key twice")
    return found
