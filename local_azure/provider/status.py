"""What goes wrong, as the engine wants to hear it: a gRPC status, never a traceback."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NoReturn, ParamSpec

import grpc
from pulumi.runtime.proto import provider_pb2, status_pb2

from local_azure.provider.arm_client import ArmClientError
from local_azure.provider.values import Properties, to_struct
from local_azure.types import UnsupportedError

P = ParamSpec("P")


class RefusedError(Exception):
    """A call that cannot be served: the message is for the user."""


def answered(call: Callable[P, Any]) -> Callable[P, Any]:
    """A call of the servicer: what a user can act on becomes the status's message."""

    @functools.wraps(call)
    def safe(*arguments: P.args, **named: P.kwargs) -> Any:
        try:
            return call(*arguments, **named)
        except (ArmClientError, RefusedError, UnsupportedError) as error:
            context: Any = arguments[-1]
            context.abort(grpc.StatusCode.UNKNOWN, str(error))

    return safe


def half_made(
    context: grpc.ServicerContext, outputs: Properties, inputs: Properties, reason: str
) -> NoReturn:
    """End a call with a resource that exists and failed: the engine keeps it in the state."""
    detail = provider_pb2.ErrorResourceInitFailed(
        id=outputs["id"],
        properties=to_struct(outputs),
        reasons=[reason],
        inputs=to_struct(inputs),
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=reason)
    status.details.add().Pack(detail)
    # How gRPC carries a status with details: a trailer with this name.
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, reason)
    raise AssertionError("abort does not return")
