"""The gRPC service that the Pulumi engine calls, for the resource types of `local_azure.types`."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable
from typing import Any, NoReturn

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from local_azure import types
from local_azure.provider import projection
from local_azure.provider.arm_client import ArmClient, ArmClientError, HalfMadeError, Login
from local_azure.provider.difference import Difference, differences
from local_azure.provider.values import (
    Properties,
    from_struct,
    has_unknown,
    to_struct,
    without_unknown,
)
from local_azure.types import ResourceType, UnsupportedError

VERSION = "3.24.0"
CLIENT_CONFIG = "azure-native:authorization:getClientConfig"

_Kinds = provider_pb2.PropertyDiff


class Refused(Exception):  # noqa: N818 - it becomes a gRPC status, not a traceback
    """A call that cannot be served: the message is for the user."""


class AzureNative(provider_pb2_grpc.ResourceProviderServicer):
    """Create, read, update and delete resources of the stand-in."""

    def __init__(self) -> None:
        self._client: ArmClient | None = None
        self._location = ""

    # What the engine asks first.

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Agree on the protocol."""
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=False, accept_outputs=False)

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """The version that the SDK expects."""
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetSchema(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Refused: `pulumi import` wants it to generate code."""
        context.abort(
            grpc.StatusCode.UNIMPLEMENTED,
            "the local stand-in has no schema; with `pulumi import` use --generate-code=false",
        )

    def CheckConfig(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Every configuration is taken as it is; what is not supported is refused by a resource."""
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """No configuration change replaces the provider."""
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_UNKNOWN)

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Sign in and look whether ARM answers, so that its absence is one error and not many."""

        def configure() -> Any:
            variables = dict(request.variables)
            self._location = variables.get("azure-native:config:location", "")
            self._client = ArmClient(Login.from_environment(os.environ))
            self._client.check()
            return provider_pb2.ConfigureResponse(
                acceptSecrets=False, supportsPreview=True, acceptResources=True, acceptOutputs=False
            )

        return _answered(context, configure)

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Nothing to do: a call that runs is short, and the engine stops the plugin."""
        return empty_pb2.Empty()

    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """The one function that is supported: who am I?"""

        def invoke() -> Any:
            if request.tok != CLIENT_CONFIG:
                raise Refused(f"the local stand-in does not support the function {request.tok}")
            result = provider_pb2.InvokeResponse()
            getattr(result, "return").CopyFrom(to_struct(self._arm.who()))
            return result

        return _answered(context, invoke)

    # The life of a resource.

    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Fill in name and location; refuse inputs that the stand-in does not know."""

        def check() -> Any:
            kind = _kind(request.urn)
            old, inputs = from_struct(request.olds), from_struct(request.news)
            if kind.name_input not in inputs:
                inputs[kind.name_input] = old.get(kind.name_input) or _auto_name(kind, request)
            if "location" in kind.shape.top and "location" not in inputs and self._location:
                inputs["location"] = self._location
            failures = []
            try:
                kind.arm_inputs(without_unknown(inputs))
            except UnsupportedError as error:
                failures.append(provider_pb2.CheckFailure(reason=str(error)))
            return provider_pb2.CheckResponse(inputs=to_struct(inputs), failures=failures)

        return _answered(context, check)

    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Compare the program's inputs with those in the state."""

        def diff() -> Any:
            kind = _kind(request.urn)
            old, new = from_struct(request.old_inputs), from_struct(request.news)
            found = list(differences(old, new))
            fresh = {kind.name_input, kind.scope_input, *kind.new_on}
            replaces = sorted({each.root for each in found if each.root in fresh})
            some = provider_pb2.DiffResponse
            return provider_pb2.DiffResponse(
                changes=some.DIFF_SOME if found else some.DIFF_NONE,
                diffs=sorted({each.root for each in found}),
                replaces=replaces,
                detailedDiff={each.path: _entry(each, fresh) for each in found},
                hasDetailedDiff=True,
                # Two resources cannot have one name.
                deleteBeforeReplace=bool(replaces)
                and all(
                    old.get(key) == new.get(key) for key in (kind.name_input, kind.scope_input)
                ),
            )

        return _answered(context, diff)

    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """PUT a new resource; in a preview, promise its outputs.

        azure-native refuses what exists already under the name; here it is adopted, because
        `stack.recover` counts on that for what a killed `pulumi` had begun.
        """

        def create() -> Any:
            kind = _kind(request.urn)
            inputs = from_struct(request.properties)
            if request.preview or has_unknown(inputs):
                return provider_pb2.CreateResponse(properties=to_struct(_promised(kind, inputs)))
            resource_id = kind.resource_id(self._arm.login.subscription, inputs)
            outputs = self._put(context, kind, resource_id, inputs)
            return provider_pb2.CreateResponse(id=outputs["id"], properties=to_struct(outputs))

        return _answered(context, create)

    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """GET a resource; its inputs change only where Azure's answer did."""

        def read() -> Any:
            kind = _kind(request.urn)
            found = self._arm.get(request.id, kind.api_versions[0])
            if found is None:
                return provider_pb2.ReadResponse()
            outputs = kind.sdk_outputs(found)
            now = projection.as_inputs(kind.shape, outputs)
            old_inputs = from_struct(request.inputs)
            if old_inputs:
                before = projection.as_inputs(kind.shape, from_struct(request.properties))
                inputs = projection.refreshed(old_inputs, before, now)
            else:
                inputs = now | _identity(kind, request.id)
            return provider_pb2.ReadResponse(
                id=outputs["id"], properties=to_struct(outputs), inputs=to_struct(inputs)
            )

        return _answered(context, read)

    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """PUT the whole resource again; in a preview, keep what is known."""

        def update() -> Any:
            kind = _kind(request.urn)
            inputs = from_struct(request.news)
            if request.preview or has_unknown(inputs):
                known = from_struct(request.olds)
                return provider_pb2.UpdateResponse(
                    properties=to_struct(_promised(kind, inputs, known))
                )
            outputs = self._put(context, kind, request.id, inputs)
            return provider_pb2.UpdateResponse(properties=to_struct(outputs))

        return _answered(context, update)

    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """DELETE a resource and wait until it is gone."""

        def delete() -> Any:
            self._arm.delete(request.id, _kind(request.urn).api_versions[0])
            return empty_pb2.Empty()

        return _answered(context, delete)

    @property
    def _arm(self) -> ArmClient:
        if self._client is None:
            raise Refused("the provider was not configured")
        return self._client

    def _put(
        self,
        context: grpc.ServicerContext,
        kind: ResourceType,
        resource_id: str,
        inputs: Properties,
    ) -> Properties:
        version = kind.api_versions[0]
        try:
            made = self._arm.put(resource_id, version, kind.arm_inputs(inputs))
        except HalfMadeError as error:
            # The engine must keep what exists, or the next update would not know of it.
            try:
                found = self._arm.get(resource_id, version)
            except ArmClientError:
                # It cannot be looked at either: what was asked for is the best that is known.
                found = {"id": resource_id, **kind.arm_inputs(inputs)}
            if found is None:
                raise
            _init_failed(context, kind.sdk_outputs(found), inputs, str(error))
        return kind.sdk_outputs(made)


def _kind(urn: str) -> ResourceType:
    token = urn.split("::")[2].split("$")[-1]
    kind = types.find_token(token)
    if kind is None:
        known = ", ".join(sorted(each.token for each in types.all_types()))
        raise Refused(f"the local stand-in does not support {token}; it knows {known}")
    return kind


def _auto_name(kind: ResourceType, request: Any) -> str:
    """A name for a resource that the program gives none, as azure-native makes it.

    The engine's own rule comes first (`pulumi:autonaming`), then a GUID where Azure wants one, then
    the logical name with eight digits of the engine's seed.
    """
    rule = request.autonaming
    if rule.mode == request.AutonamingOptions.DISABLE:
        raise Refused(f"{kind.name_input} is missing, and automatic naming is switched off")
    enforced = rule.mode == request.AutonamingOptions.ENFORCE
    if rule.proposed_name and (enforced or not kind.guid_name):
        return rule.proposed_name
    seed = hashlib.sha256(request.randomSeed or request.urn.encode())
    if kind.guid_name:
        return str(uuid.UUID(bytes=seed.digest()[:16], version=4))
    return f"{request.urn.split('::')[-1]}{seed.hexdigest()[:8]}"


def _promised(
    kind: ResourceType, inputs: Properties, known: Properties | None = None
) -> Properties:
    promised = projection.promised(kind.shape, inputs, known)
    # `scope` of a role assignment is an output too, and what Azure answers is not what was given.
    if kind.scope_input not in kind.shape.fields():
        promised.pop(kind.scope_input, None)
    name = promised.pop(kind.name_input, None)
    return promised | {"name": name}


def _identity(kind: ResourceType, resource_id: str) -> Properties:
    """Name and scope as inputs, for a resource that is imported by its id."""
    scope, _, name = resource_id.rpartition("/")
    inputs = {kind.name_input: name}
    if kind.scope_input == "resourceGroupName":
        inputs["resourceGroupName"] = resource_id.split("/")[4]
    elif kind.scope_input:
        inputs[kind.scope_input] = scope[: scope.lower().rindex("/providers/")]
    return inputs


def _entry(each: Difference, fresh: set[str]) -> Any:
    name = each.change.value
    if each.root in fresh:
        name = "UPDATE_REPLACE" if name == "UPDATE" else f"{name}_REPLACE"
    return provider_pb2.PropertyDiff(kind=getattr(_Kinds, name), inputDiff=True)


def _answered(context: grpc.ServicerContext, call: Callable[[], Any]) -> Any:
    """Run a call; what a user can act on becomes the status message, without a traceback."""
    try:
        return call()
    except (ArmClientError, Refused, UnsupportedError) as error:
        context.abort(grpc.StatusCode.UNKNOWN, str(error))


def _init_failed(
    context: grpc.ServicerContext, outputs: Properties, inputs: Properties, reason: str
) -> NoReturn:
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
