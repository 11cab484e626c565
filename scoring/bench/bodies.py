"""Whole HTTP requests as bytes, for the same rows in every form."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

IDX_HEADER = 16
"""Bytes before the pixels of an IDX file of images."""


def read_images(file: Path, features: int) -> NDArray[np.uint8]:
    """(rows, features) pixels of a gzipped IDX file.

    Raises:
        OSError: It cannot be read, or is not gzipped.
        ValueError: It holds images of another size.
    """
    content = gzip.decompress(file.read_bytes())
    if (len(content) - IDX_HEADER) % features:
        raise ValueError(f"{file} holds no images of {features} pixels, which the model wants")
    return np.frombuffer(content, np.uint8, offset=IDX_HEADER).reshape(-1, features)


def score(values: NDArray[Any], *headers: tuple[str, str]) -> bytes:
    """`{"data": [...]}` as `json.dumps` writes it, of (rows, features)."""
    return request("/score", json.dumps({"data": values.tolist()}).encode(), *headers)


def tensor(name: str, values: NDArray[Any], *headers: tuple[str, str]) -> bytes:
    """A V2 request with its numbers as JSON, as MLServer takes it; its id makes answers equal."""
    content: dict[str, Any] = {"name": "input", "shape": list(values.shape), "datatype": "FP64"}
    content["data"] = values.ravel().tolist()
    body = json.dumps({"id": "bench", "inputs": [content]}).encode()
    return request(f"/v2/models/{quote(name, safe='')}/infer", body, *headers)


def binary(name: str, datatype: str, values: NDArray[Any], *headers: tuple[str, str]) -> bytes:
    """A V2 request whose values are raw, UINT8 or FP32; the answer is raw, too."""
    raw = values.tobytes()
    tensor = {
        "name": "input",
        "shape": list(values.shape),
        "datatype": datatype,
        "parameters": {"binary_data_size": len(raw)},
    }
    output = {"name": "predict", "parameters": {"binary_data": True}}
    head = json.dumps({"inputs": [tensor], "outputs": [output]}).encode()
    return request(
        f"/v2/models/{quote(name, safe='')}/infer",
        head + raw,
        ("content-type", "application/octet-stream"),
        ("inference-header-content-length", str(len(head))),
        *headers,
    )


def request(path: str, body: bytes, *headers: tuple[str, str]) -> bytes:
    """A POST; JSON unless a header says otherwise."""
    lines = dict([("content-type", "application/json"), *headers])
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    start = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{head}content-length: {len(body)}\r\n\r\n"
    return start.encode() + body


def parts(request: bytes) -> tuple[str, dict[str, str], bytes]:
    """(path, headers, body) of a whole request; a client adds host and length by itself."""
    head, _, body = request.partition(b"\r\n\r\n")
    start, *lines = head.decode("ascii").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    for name in ("host", "content-length"):
        del headers[name]
    return start.split()[1], headers, body


def labels(body: bytes, *, raw: bool) -> list[int]:
    """The labels in an answer: JSON, JSON in JSON as Microsoft's server may have it, V2, or raw."""
    if raw:
        size = int(json.loads(body[: body.rindex(b"}") + 1])["outputs"][0]["shape"][0])
        return np.frombuffer(body[len(body) - 8 * size :], "<i8").tolist()
    content = json.loads(body)
    if isinstance(content, dict):
        return content["outputs"][0]["data"]
    return json.loads(content) if isinstance(content, str) else content
