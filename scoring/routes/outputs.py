"""The answer of a V2 request, as JSON or raw bytes, and what the model says of its outputs."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.manifest import Manifest
from scoring.routes.messages import Response
from scoring.routes.score import Scorer, plain
from scoring.routes.tensors import Rows
from scoring.routes.v2_request import INPUT, V2Request

HEAD_LENGTH = b"inference-header-content-length"
BINARY = "application/octet-stream"
_KINDS = {"b": "BOOL", "i": "INT64", "u": "INT64", "f": "FP64"}
_WIRE = {"BOOL": np.dtype("?"), "INT64": np.dtype("<i8"), "FP64": np.dtype("<f8")}


class Outputs:
    """Asks the model for what a request wants."""

    def __init__(self, manifest: Manifest, scorer: Scorer) -> None:
        self._manifest = manifest
        self._scorer = scorer

    def answer(self, asked: V2Request, rows: Rows) -> Response:
        """Score rows, write every output that is wanted."""
        score = self._scorer.score
        if len(asked.outputs) == 1 and asked.outputs[0][1]:
            values = score(rows, asked.outputs[0][0])
            if asked.known == (values.dtype, values.shape):
                body = asked.head + values.astype(asked.wire, copy=False).tobytes()
                return Response(body, kind=BINARY, headers=asked.headers)
            answer = self._written(asked, [values])
            wire = _WIRE.get(_datatype(values))
            if wire is not None:
                asked.head = answer.body[: len(answer.body) - values.size * wire.itemsize]
                asked.headers = answer.headers
                asked.wire = wire
                asked.known = values.dtype, values.shape
            return answer
        return self._written(asked, [score(rows, name) for name, _ in asked.outputs])

    def _written(self, asked: V2Request, answers: list[NDArray[Any]]) -> Response:
        described: list[dict[str, Any]] = []
        pieces: list[bytes] = []
        for (name, binary), values in zip(asked.outputs, answers, strict=True):
            kind = _datatype(values)
            tensor: dict[str, Any] = {"name": name, "datatype": kind, "shape": list(values.shape)}
            if binary:
                pieces.append(_packed(values))
                tensor["parameters"] = {"binary_data_size": len(pieces[-1])}
            else:
                tensor["data"] = plain(values.ravel())
            described.append(tensor)
        content: dict[str, Any] = {
            "model_name": self._manifest.name,
            "model_version": self._manifest.version,
            "outputs": described,
        }
        if asked.id is not None:
            content["id"] = asked.id
        head = json.dumps(content, allow_nan=False).encode()
        identity = self._scorer.identity
        if not pieces:
            return Response(head, headers=identity)
        return Response(
            b"".join((head, *pieces)),
            kind=BINARY,
            headers=(*identity, (HEAD_LENGTH, str(len(head)).encode())),
        )


def metadata(manifest: Manifest, scorer: Any) -> dict[str, Any]:
    """The answer of GET /v2/models/NAME."""
    label = _datatype(np.array(manifest.classes))  # a regressor's are none, of floats
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


def _datatype(values: NDArray[Any]) -> str:
    return _KINDS.get(values.dtype.kind, "BYTES")


def _packed(values: NDArray[Any]) -> bytes:
    """Values as the protocol's bytes; a text is preceded by its length."""
    wire = _WIRE.get(_datatype(values))
    if wire is not None:
        return values.astype(wire, copy=False).tobytes()
    texts = [str(each).encode() for each in values.ravel()]
    return b"".join(len(text).to_bytes(4, "little") + text for text in texts)
