"""What goes wrong, as the engine wants to hear it: a gRPC status, never a traceback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import grpc
from pulumi.runtime.proto import provider_pb2, status_pb2

from local_azure.provider.arm_client import ArmClientError
from local_azure.provider.settings import SettingsError
from local_azure.provider.values import Properties, to_struct
from local_azure.types import UnsupportedError


class RefusedError(Exception):
    """A call that cannot be served: the message is for the user."""


def answered(context: grpc.ServicerContext, call: Callable[[], Any]) -> Any:
    """Run a call; what a user can act on becomes the status's message."""
    try:
        return call()
    except (ArmClientError, RefusedError, SettingsError, UnsupportedError) as error:
        context.abort(grpc.StatusCode.UNKNOWN, str(error))


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
