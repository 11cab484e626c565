"""What a V2 request asks for, read from its JSON: everything in it but the values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from scoring.routes.messages import Headers
from scoring.routes.tensors import DTYPES, TensorReader, bad, shown

INPUT = "input"
_SHARED_MEMORY = ("shared_memory_region", "shared_memory_offset", "shared_memory_byte_size")


@dataclass(slots=True)
class V2Request:
    """What a head asks for: rows of a type, and each wanted output with whether it comes binary.

    `size` is the number of bytes that follow the head, None where the values are in the JSON;
    `in_json` names the outputs that are not binary.
    """

    count: int
    dtype: np.dtype[Any]
    size: int | None
    outputs: tuple[tuple[str, bool], ...]
    id: str | None
    in_json: tuple[str, ...]
    # The last answer's type and shape with its head, where that is all there is to say.
    known: tuple[np.dtype[Any], tuple[int, ...]] | None = None
    wire: np.dtype[Any] | None = None
    head: bytes = b""
    headers: Headers = ()


class V2RequestReader:
    """Reads requests for one model."""

    def __init__(self, features: int, methods: tuple[str, ...], tensors: TensorReader) -> None:
        self._features = features
        self._methods = methods
        self._tensors = tensors

    def read(self, document: Any) -> V2Request:
        """What a request's JSON asks for; its input's `data` is not looked at.

        As clients that write every member do, an optional one may be null: it is absent then.
        """
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
        count = self._tensors.count(tensor.get("shape"), dtype)
        parameters = _parameters(tensor, "the input's")
        size = parameters.get("binary_data_size")
        if size is not None:
            wanted = count * self._features * dtype.itemsize
            if tensor.get("data") is not None:
                raise bad('the input has both "data" and "binary_data_size"')
            if type(size) is not int or size != wanted:
                raise bad(
                    f"{count} rows of {kind} are {wanted} bytes; binary_data_size is {shown(size)}"
                )
        outputs = self._outputs(document)
        in_json = tuple(output for output, binary in outputs if not binary)
        return V2Request(count, dtype, size, outputs, name, in_json)

    def _outputs(self, document: dict[str, Any]) -> tuple[tuple[str, bool], ...]:
        parameters = _parameters(document, "the request's")
        everywhere = _flag(parameters, "binary_data_output", default=False)
        outputs = document.get("outputs")
        methods = self._methods
        if outputs is None:
            return ((methods[0], everywhere),)
        if not isinstance(outputs, list) or not 0 < len(outputs) <= len(methods):
            raise bad(f'"outputs" is not a list of 1 to {len(methods)} tensors')
        wanted: list[tuple[str, bool]] = []
        for each in outputs:
            name = each.get("name") if isinstance(each, dict) else None
            if name not in methods:
                raise bad(f'an output\'s "name" is not one of {", ".join(methods)}')
            parameters = _parameters(each, "an output's")
            if parameters.get("classification") is not None:
                raise bad(
                    'an output\'s "classification" (class_count) is not supported: ask for'
                    ' "predict_proba" and take the largest'
                )
            wanted.append((name, _flag(parameters, "binary_data", default=everywhere)))
        return tuple(wanted)


def _parameters(holder: dict[str, Any], whose: str) -> dict[str, Any]:
    parameters = holder.get("parameters")
    if parameters is None:
        return {}
    if not isinstance(parameters, dict):
        raise bad(f'{whose} "parameters" is not an object')
    if any(name in parameters and parameters[name] is not None for name in _SHARED_MEMORY):
        raise bad(f"{whose} values are in shared memory, which is not supported: send them")
    return parameters


def _flag(parameters: dict[str, Any], name: str, *, default: bool) -> bool:
    value = parameters.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise bad(f'"{name}" is {shown(value)}, not true or false')
    return value
