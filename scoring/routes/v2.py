"""The Open Inference Protocol V2: what a request asks for, and the answer, as JSON or raw bytes.

A binary request is a JSON head of `inference-header-content-length` bytes, followed by the input's
values in row order, little-endian; its answer has the same form. Sizes are in bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from scoring.errors import Rejection
from scoring.manifest import Manifest
from scoring.routes.json_cut import LIST, LONGEST_ENVELOPE, Cut, cut, too_long_to_read
from scoring.routes.json_exact import LONGEST, parse_exactly
from scoring.routes.limits import Limits
from scoring.routes.messages import JSON, Answer, Content, Handler, Request, Response, Route
from scoring.routes.outputs import BINARY, HEAD_LENGTH, Outputs, metadata
from scoring.routes.score import Scorer
from scoring.routes.tensors import Rows, TensorReader, bad
from scoring.routes.v2_request import V2Request, V2RequestReader

# A client sends the same few heads again and again: what they mean is remembered.
_MOST_KNOWN, _LONGEST_KNOWN = 256, 2048
_LENGTH_HEADER = HEAD_LENGTH.decode()


class InferenceProtocol:
    """The V2 routes of one model."""

    def __init__(self, manifest: Manifest, scorer: Scorer, limits: Limits) -> None:
        self._manifest = manifest
        self._scorer = scorer
        self._limits = limits
        self._tensors = TensorReader(limits, scorer.dtypes)
        self._reader = V2RequestReader(manifest.features, scorer.methods, self._tensors)
        self._outputs = Outputs(manifest, scorer)
        self._known: dict[bytes, V2Request] = {}

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
        asked, rows = self._read(request)
        request.body = b""
        request.rows = asked.count
        if asked.in_json:
            self._limits.check_answer(asked.count, asked.in_json)
        return self._scorer.run(lambda: self._outputs.answer(asked, rows), rows.nbytes)

    # Requests

    def _read(self, request: Request) -> tuple[V2Request, Rows]:
        body = request.body
        declared = request.headers.get(HEAD_LENGTH)
        if declared is None:
            try:
                return self._read_json(body)
            except Rejection as rejection:
                raise _without_length(request, rejection) from None
        if not declared.isdigit() or len(declared) > 19 or int(declared) > len(body):
            raise bad(f"{_LENGTH_HEADER} is not a number of bytes from 0 to {len(body)}")
        start = int(declared)
        if start == len(body):
            return self._read_json(body)
        if start > LONGEST_ENVELOPE:
            raise bad(
                f"{_LENGTH_HEADER} is {start}; a head before raw values has at most"
                f" {LONGEST_ENVELOPE} bytes"
            )
        head = bytes(body[:start])
        asked = self._known.get(head)
        if asked is None:
            asked = self._reader.read(parse_exactly(head))
            if asked.size is None:
                raise bad(f"{len(body) - start} bytes follow a head with JSON data")
            if start <= _LONGEST_KNOWN:
                if len(self._known) >= _MOST_KNOWN:
                    self._known.clear()
                self._known[head] = asked
        if asked.size != len(body) - start:
            raise bad(
                f"{asked.count} rows are {asked.size} bytes; {len(body) - start} follow the head"
            )
        return asked, self._tensors.from_bytes(body, start, asked.dtype, asked.count)

    def _read_json(self, body: Content) -> tuple[V2Request, Rows]:
        found = cut(body)
        if found is not None and found.fault is None and _is_the_inputs(found):
            asked = self._reader.read(found.envelope)
            if len(body) > LONGEST:
                return asked, self._tensors.from_json(body, found, asked.dtype, asked.count)
            try:
                return asked, self._tensors.from_json(body, found, asked.dtype, asked.count)
            except Rejection:
                pass  # read exactly, which says where in the body
        fault = too_long_to_read(body)
        if fault is not None:
            if found is None:
                raise fault
            self._tensors.find_fault(body, found)
            raise found.fault or bad('"data" is not the input\'s')
        content = parse_exactly(bytes(body))
        asked = self._reader.read(content)
        if asked.size is not None:
            raise bad(
                f"binary_data_size is {asked.size}, and no bytes follow: send the header"
                f" {_LENGTH_HEADER}"
            )
        data = content["inputs"][0].get("data")
        return asked, self._tensors.from_lists(data, asked.dtype, asked.count)


def _is_the_inputs(found: Cut) -> bool:
    """Whether the list that was cut out is where the values are expected."""
    inputs = found.envelope.get("inputs") if isinstance(found.envelope, dict) else None
    first = inputs[0] if isinstance(inputs, list) and inputs else None
    return isinstance(first, dict) and first.get("data") == LIST


def _without_length(request: Request, rejection: Rejection) -> Rejection:
    """A body that is no JSON because raw values follow it is named as that."""
    raw = request.headers.get(b"content-type", b"").startswith(BINARY.encode())
    if rejection.code == "bad_tensor" or not (
        raw or b'"binary_data_size"' in bytes(request.body[:LONGEST_ENVELOPE])
    ):
        return rejection
    return bad(
        f"raw values without the header {_LENGTH_HEADER}: send the number of bytes of the JSON head"
        " in it"
    )


def _always(content: dict[str, Any]) -> Handler:
    """A handler whose answer never changes."""
    body = json.dumps(content).encode()
    return lambda _: Response(body)
