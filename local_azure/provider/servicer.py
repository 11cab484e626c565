"""The gRPC service that the Pulumi engine calls, for the resource types of `local_azure.types`."""

from __future__ import annotations

import os
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from local_azure import types
from local_azure.environment import ADOPT
from local_azure.provider import checks, defaults, projection
from local_azure.provider.arm_client import ArmClient, ArmClientError, HalfMadeError, Login
from local_azure.provider.difference import Difference, comparable, differences
from local_azure.provider.plugin import VERSION
from local_azure.provider.status import RefusedError, answered, half_made
from local_azure.provider.values import (
    CREATE_FIRST,
    UNKNOWN,
    Properties,
    from_struct,
    has_unknown,
    to_struct,
)
from local_azure.types import ResourceType

CLIENT_CONFIG = "azure-native:authorization:getClientConfig"
CLUSTER_CREDENTIALS = "azure-native:containerservice:listManagedClusterUserCredentials"

_STABLE = ("name", "location")
"""The outputs that azure-native takes to be the same after an update."""

_Kinds = provider_pb2.PropertyDiff


class AzureNative(provider_pb2_grpc.ResourceProviderServicer):
    """Create, read, update and delete resources of the stand-in."""

    def __init__(self) -> None:
        self._client: ArmClient | None = None
        self._location = ""
        self._locations: dict[str, str | None] = {}

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

    @answered
    def Configure(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Sign in and look whether ARM answers, so that its absence is one error and not many."""
        login = Login.from_environment(os.environ)
        self._location = defaults.configured_location(request.variables, login)
        self._client = ArmClient(login)
        self._client.check()
        return provider_pb2.ConfigureResponse(
            acceptSecrets=False, supportsPreview=True, acceptResources=True, acceptOutputs=False
        )

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Stop waiting for Azure; what it was asked for goes on there, and stays in the state."""
        if self._client:
            self._client.cancel()
        return empty_pb2.Empty()

    @answered
    def Invoke(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """The functions that are supported: who am I, and the kubeconfig of a cluster."""
        if request.tok == CLIENT_CONFIG:
            found = self._arm.who()
        elif request.tok == CLUSTER_CREDENTIALS:
            found = self._credentials(from_struct(request.args))
        else:
            raise RefusedError(f"the local stand-in does not support the function {request.tok}")
        result = provider_pb2.InvokeResponse()
        getattr(result, "return").CopyFrom(to_struct(found))
        return result

    # The life of a resource.

    @answered
    def Check(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Fill in name, location and API version; say what is wrong with the inputs."""
        kind = _kind(request.urn)
        inputs = defaults.completed(kind, request, self._location, self._locate)
        failures = [
            provider_pb2.CheckFailure(reason=each) for each in checks.failures(kind, inputs)
        ]
        return provider_pb2.CheckResponse(inputs=to_struct(inputs), failures=failures)

    @answered
    def Diff(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Compare the program's inputs with those in the state."""
        kind = _kind(request.urn)
        old, new = from_struct(request.old_inputs), from_struct(request.news)
        if defaults.API_VERSION not in old:
            # Inputs from before azure-native 3; their version is among the outputs.
            old |= _only(from_struct(request.olds), defaults.API_VERSION)
        found = list(differences(comparable(old), comparable(new)))
        fresh = {kind.name_input, kind.scope_input, *kind.parent_inputs, *kind.new_on}
        replaces = sorted({each.root for each in found if each.root in fresh})
        some = provider_pb2.DiffResponse
        return provider_pb2.DiffResponse(
            changes=some.DIFF_SOME if found else some.DIFF_NONE,
            diffs=sorted({each.root for each in found}),
            replaces=replaces,
            detailedDiff={each.path: _entry(each, fresh) for each in found},
            hasDetailedDiff=True,
            # Two resources cannot have one name, unless it was made up here.
            deleteBeforeReplace=bool(replaces) and not old.get(CREATE_FIRST),
        )

    @answered
    def Create(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """PUT a new resource; in a preview, promise its outputs. What exists is refused.

        But where `ADOPT` is set: then an update that could not write down what it made goes on.
        """
        kind = _kind(request.urn)
        inputs = from_struct(request.properties)
        if request.preview or has_unknown(inputs):
            return provider_pb2.CreateResponse(properties=to_struct(_promised(kind, inputs)))
        resource_id = kind.resource_id(self._arm.login.subscription, inputs)
        exists = self._arm.get(resource_id, kind.api_versions[0]) is not None
        if exists and os.environ.get(ADOPT) != "1":
            # A PUT would quietly take over what somebody else made.
            raise RefusedError(
                f"cannot create already existing resource '{resource_id}'; delete it, or take "
                f"it over: pulumi import {kind.token} NAME {resource_id}"
            )
        outputs = self._put(context, kind, resource_id, inputs, request.timeout)
        return provider_pb2.CreateResponse(id=outputs["id"], properties=to_struct(outputs))

    @answered
    def Read(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """GET a resource; its inputs change only where Azure's answer did."""
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
            inputs[defaults.API_VERSION] = kind.api_versions[0]
        return provider_pb2.ReadResponse(
            id=outputs["id"], properties=to_struct(outputs), inputs=to_struct(inputs)
        )

    @answered
    def Update(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """PUT the whole resource again; in a preview, promise what never changes."""
        kind = _kind(request.urn)
        inputs = from_struct(request.news)
        if request.preview or has_unknown(inputs):
            stable = _only(from_struct(request.olds), *_STABLE)
            return provider_pb2.UpdateResponse(
                properties=to_struct(_promised(kind, inputs) | stable)
            )
        old = from_struct(request.old_inputs)
        gone = {
            name: kind.shape.fields()[name].default
            for name in kind.restored
            if name in old and name not in inputs
        }
        outputs = self._put(context, kind, request.id, inputs, request.timeout, gone)
        return provider_pb2.UpdateResponse(properties=to_struct(outputs))

    @answered
    def Delete(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """DELETE a resource and wait until it is gone."""
        self._arm.delete(request.id, _kind(request.urn).api_versions[0], request.timeout)
        return empty_pb2.Empty()

    @property
    def _arm(self) -> ArmClient:
        if self._client is None:
            raise RefusedError("the provider was not configured")
        return self._client

    def _credentials(self, arguments: Properties) -> Properties:
        kind = types.of("Microsoft.ContainerService/managedClusters")
        cluster = kind.resource_id(self._arm.login.subscription, arguments)
        return self._arm.post(f"{cluster}/listClusterUserCredential", kind.api_versions[0])

    def _locate(self, group: str) -> str | None:
        """The location of a resource group, asked once."""
        if group not in self._locations:
            kind = types.of("Microsoft.Resources/resourceGroups")
            group_id = kind.resource_id(self._arm.login.subscription, {kind.name_input: group})
            found = self._arm.get(group_id, kind.api_versions[0])
            self._locations[group] = found["location"] if found else None
        return self._locations[group]

    def _put(
        self,
        context: grpc.ServicerContext,
        kind: ResourceType,
        resource_id: str,
        inputs: Properties,
        seconds: float,
        restored: Properties | None = None,
    ) -> Properties:
        version = kind.api_versions[0]
        wanted = kind.arm_inputs({**inputs, **(restored or {})})
        try:
            later = kind.convention.finish != "now"
            made = self._arm.put(resource_id, version, wanted, seconds, later=later)
        except HalfMadeError as error:
            # The engine must keep what exists, or the next update would not know of it.
            try:
                found = self._arm.get(resource_id, version)
            except ArmClientError:
                # It cannot be looked at either: what was asked for is the best that is known.
                found = {"id": resource_id, **wanted}
            if found is None:
                raise
            half_made(context, kind.sdk_outputs(found), inputs, str(error))
        return kind.sdk_outputs(made)


def _kind(urn: str) -> ResourceType:
    token = urn.split("::")[2].split("$")[-1]
    kind = types.find_token(token)
    if kind is None:
        known = ", ".join(sorted(each.token for each in types.all_types()))
        raise RefusedError(f"the local stand-in does not support {token}; it knows {known}")
    return kind


def _promised(kind: ResourceType, inputs: Properties) -> Properties:
    """The outputs that a preview shows; most types have their name under another name as input."""
    outputs = {"name": inputs.get("name", UNKNOWN), "type": UNKNOWN}
    return outputs | projection.promised(kind.shape, inputs)


def _only(properties: Properties, *names: str) -> Properties:
    return {name: properties[name] for name in names if name in properties}


def _identity(kind: ResourceType, resource_id: str) -> Properties:
    """Name and scope as inputs, for a resource that is imported by its id."""
    scope, _, name = resource_id.rpartition("/")
    inputs = {kind.name_input: name}
    parents = scope.split("/")[-2::-2]
    inputs |= dict(zip(reversed(kind.parent_inputs), parents, strict=False))
    if kind.scope_input == "resourceGroupName":
        inputs["resourceGroupName"] = resource_id.split("/")[4]
    elif kind.scope_input:
        inputs[kind.scope_input] = scope[: scope.lower().rindex("/providers/")]
    return inputs


def _entry(each: Difference, fresh: set[str]) -> Any:
    name: str = each.change
    if each.root in fresh:
        name = "UPDATE_REPLACE" if name == "UPDATE" else f"{name}_REPLACE"
    return provider_pb2.PropertyDiff(kind=getattr(_Kinds, name), inputDiff=True)
