"""The Open Inference Protocol V2: what a request asks for, and the answer, as JSON or raw bytes.

A binary request is a JSON head of `inference-header-content-length` bytes, followed by the input's
values in row order, little-endian; its answer has the same form. Sizes are in bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import numpy as np
import simdjson
from numpy.typing import NDArray

from scoring.manifest import Manifest
from scoring.server.jsonrows import parse_exactly
from scoring.server.messages import JSON, Answer, Handler, Request, Response, Route
from scoring.server.scorer import Scorer
from scoring.server.tensors import DTYPES, Rows, TensorReader, bad, shown

HEAD_LENGTH = b"inference-header-content-length"
BINARY = "application/octet-stream"
INPUT = "input"
# A client sends the same few heads again and again: what they mean is remembered.
_MOST_PLANS, _LONGEST_HEAD = 256, 2048
_WIRE = {"INT64": np.dtype("<i8"), "FP64": np.dtype("<f8")}


@dataclass(slots=True)
class Plan:
    """What a head asks for: rows of a type, and each wanted output with whether it comes binary.

    `size` is the number of bytes that follow the head, None where the values are in the JSON.
    """

    count: int
    dtype: np.dtype[Any]
    size: int | None
    outputs: tuple[tuple[str, bool], ...]
    id: str | None
    # The last answer's type and shape with its head, where that is all there is to say.
    known: tuple[np.dtype[Any], tuple[int, ...]] | None = None
    wire: np.dtype[Any] | None = None
    head: bytes = b""
    headers: str = ""


class InferenceProtocol:
    """The V2 routes of one model."""

    def __init__(self, manifest: Manifest, scorer: Scorer, max_rows: int) -> None:
        self._manifest = manifest
        self._scorer = scorer
        self._tensors = TensorReader(manifest.features, max_rows, scorer.dtypes)
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
        return self._scorer.run(lambda: self._answer(plan, rows))

    # Requests

    def _read(self, request: Request) -> tuple[Plan, Rows]:
        body = request.body
        declared = request.headers.get(HEAD_LENGTH)
        if declared is None:
            return self._read_json(body)
        if not declared.isdigit() or len(declared) > 19 or int(declared) > len(body):
            raise bad(f"{HEAD_LENGTH.decode()} is not a number of bytes from 0 to {len(body)}")
        start = int(declared)
        head = bytes(body[:start])
        plan = self._plans.get(head)
        if plan is None:
            plan = self._plan(parse_exactly(head))
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
            plan = self._plan(content)
            data = content["inputs"][0].get("data")
            return plan, self._tensors.from_lists(data, plan.dtype, plan.count)
        data: Any = None

        def keep(tensor: Any) -> None:
            nonlocal data
            data = tensor["data"]

        plan = self._plan(_plain(document, keep))
        if plan.size is not None:
            raise bad(
                f"binary_data_size is {plan.size}, and no bytes follow: send the header"
                f" {HEAD_LENGTH.decode()}"
            )
        return plan, self._tensors.from_json(data, body, plan.dtype, plan.count)

    def _plan(self, document: Any) -> Plan:
        if not isinstance(document, dict):
            raise bad("the request is not a JSON object")
        name = document.get("id")
        if name is not None and not isinstance(name, str):
            raise bad('"id" is not a text')
        inputs = document.get("inputs")
        if not isinstance(inputs, list) or len(inputs) != 1:
            raise bad(f'"inputs" is not a list of one tensor, "{INPUT}"')
        tensor = inputs[0]
        if not isinstance(tensor, dict):
            raise bad("the input is not an object")
        if tensor.get("name") != INPUT:
            raise bad(f'the input\'s "name" is not "{INPUT}"')
        kind = tensor.get("datatype")
        dtype = DTYPES.get(kind) if isinstance(kind, str) else None
        if dtype is None:
            raise bad(f'the input\'s "datatype" is not one of {", ".join(DTYPES)}')
        count = self._tensors.count(tensor.get("shape"))
        parameters = _parameters(tensor, "the input's")
        size = parameters.get("binary_data_size")
        if size is not None:
            wanted = count * self._manifest.features * dtype.itemsize
            if "data" in tensor:
                raise bad('the input has both "data" and "binary_data_size"')
            if type(size) is not int or size != wanted:
                raise bad(
                    f"{count} rows of {kind} are {wanted} bytes; binary_data_size is {shown(size)}"
                )
        return Plan(count, dtype, size, self._outputs(document), name)

    def _outputs(self, document: dict[str, Any]) -> tuple[tuple[str, bool], ...]:
        parameters = _parameters(document, "the request's")
        everywhere = _flag(parameters, "binary_data_output", default=False)
        outputs = document.get("outputs")
        methods = self._scorer.methods
        if outputs is None:
            return ((methods[0], everywhere),)
        if not isinstance(outputs, list) or not outputs:
            raise bad('"outputs" is not a list of tensors')
        wanted: dict[str, bool] = {}
        for each in outputs:
            name = each.get("name") if isinstance(each, dict) else None
            if name not in methods:
                raise bad(f'an output\'s "name" is not one of {", ".join(methods)}')
            if name in wanted:
                raise bad(f'the output "{name}" is asked for twice')
            wanted[name] = _flag(
                _parameters(each, "an output's"), "binary_data", default=everywhere
            )
        return tuple(wanted.items())

    # Answers

    def _answer(self, plan: Plan, rows: Rows) -> Response:
        score = self._scorer.score
        if len(plan.outputs) == 1 and plan.outputs[0][1]:
            values = np.asarray(score(rows, plan.outputs[0][0]))
            if plan.known == (values.dtype, values.shape):
                body = plan.head + values.astype(plan.wire, copy=False).tobytes()
                return Response(body, kind=BINARY, headers=plan.headers)
            answer = self._written(plan, [values])
            wire = _WIRE.get(_datatype(values))
            if wire is not None:
                plan.head = answer.body[: len(answer.body) - values.size * wire.itemsize]
                plan.headers = answer.headers
                plan.wire = wire
                plan.known = values.dtype, values.shape
            return answer
        return self._written(plan, [np.asarray(score(rows, name)) for name, _ in plan.outputs])

    def _written(self, plan: Plan, answers: list[NDArray[Any]]) -> Response:
        described: list[dict[str, Any]] = []
        pieces: list[bytes] = []
        for (name, binary), values in zip(plan.outputs, answers, strict=True):
            kind = _datatype(values)
            tensor: dict[str, Any] = {"name": name, "datatype": kind, "shape": list(values.shape)}
            if binary:
                pieces.append(_packed(values))
                tensor["parameters"] = {"binary_data_size": len(pieces[-1])}
            else:
                tensor["data"] = values.ravel().tolist()
            described.append(tensor)
        content: dict[str, Any] = {
            "model_name": self._manifest.name,
            "model_version": self._manifest.version,
            "outputs": described,
        }
        if plan.id is not None:
            content["id"] = plan.id
        head = json.dumps(content, allow_nan=False).encode()
        identity = self._scorer.identity
        if not pieces:
            return Response(head, headers=identity)
        return Response(
            b"".join((head, *pieces)),
            kind=BINARY,
            headers=f"{identity}{HEAD_LENGTH.decode()}: {len(head)}\r\n",
        )


def metadata(manifest: Manifest, scorer: Any) -> dict[str, Any]:
    """The answer of GET /v2/models/NAME."""
    kinds = {type(each) for each in manifest.classes}
    label = {frozenset({int}): "INT64", frozenset({str}): "BYTES"}.get(frozenset(kinds), "FP64")
    outputs: list[dict[str, Any]] = [{"name": "predict", "datatype": label, "shape": [-1]}]
    if "predict_proba" in scorer.methods:
        shape = [-1, len(manifest.classes) or -1]
        outputs.append({"name": "predict_proba", "datatype": "FP64", "shape": shape})
    return {
        "name": manifest.name,
        "versions": [manifest.version],
        "platform": "sklearn",
        "inputs": [{"name": INPUT, "datatype": "FP64", "shape": [-1, manifest.features]}],
        "outputs": outputs,
    }


def _always(content: dict[str, Any]) -> Handler:
    """A handler whose answer never changes."""
    body = json.dumps(content).encode()
    return lambda _: Response(body)


def _datatype(values: NDArray[Any]) -> str:
    if values.dtype.kind in "iu":
        return "INT64"
    return "FP64" if values.dtype.kind == "f" else "BYTES"


def _packed(values: NDArray[Any]) -> bytes:
    """Values as the protocol's bytes; a text is preceded by its length."""
    wire = _WIRE.get(_datatype(values))
    if wire is not None:
        return values.astype(wire, copy=False).tobytes()
    texts = [str(each).encode() for each in values.ravel()]
    return b"".join(len(text).to_bytes(4, "little") + text for text in texts)


def _parameters(holder: dict[str, Any], whose: str) -> dict[str, Any]:
    parameters = holder.get("parameters")
    if parameters is None:
        return {}
    if not isinstance(parameters, dict):
        raise bad(f'{whose} "parameters" is not an object')
    return parameters


def _flag(parameters: dict[str, Any], name: str, *, default: bool) -> bool:
    value = parameters.get(name, default)
    if not isinstance(value, bool):
        raise bad(f'"{name}" is {shown(value)}, not true or false')
    return value


def _plain(value: Any, keep: Callable[[Any], None]) -> Any:
    """simdjson's value as Python's own, all but a tensor's `data`: that goes to `keep`.

    Nothing else in a request is long. Two equal keys are refused.
    """
    if type(value) is simdjson.Array:
        return [_plain(each, keep) for each in value]
    if type(value) is not simdjson.Object:
        return value
    keys = list(value.keys())
    if len(set(keys)) != len(keys):
        raise bad("an object holds the same key twice")
    if "data" in keys:
        keep(value)
        keys.remove("data")
        return {"data": None, **{key: _plain(value[key], keep) for key in keys}}
    return {key: _plain(value[key], keep) for key in keys}
