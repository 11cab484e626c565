"""The tables against the azure-native SDK that is installed: what a Pulumi program can say."""

from __future__ import annotations

import importlib
import inspect
import re
import typing
from collections.abc import Iterator

import pytest
from pulumi import _types as sdk

from local_azure import types
from local_azure.types import ResourceType, Shape, UnsupportedError
from local_azure.types.shape import Items


def token(kind: ResourceType) -> str:
    return kind.token.removeprefix("azure-native:")


@pytest.fixture(params=types.all_types(), ids=token)
def kind(request: pytest.FixtureRequest) -> ResourceType:
    return request.param


@pytest.fixture
def resource(kind: ResourceType) -> type:
    _, module, name = kind.token.split(":")
    return getattr(importlib.import_module(f"pulumi_azure_native.{module}"), name)


@pytest.fixture
def args(resource: type) -> type:
    return getattr(importlib.import_module(resource.__module__), f"{resource.__name__}Args")


def objects(shape: Shape, args: type, path: str = "") -> Iterator[tuple[str, Shape, type]]:
    """Every object that both sides know: its path, the table's shape, the SDK's class."""
    yield path, shape, args
    inputs = sdk.input_type_types(args)
    for name, field in shape.fields().items():
        inner = field.kind.item if isinstance(field.kind, Items) else field.kind
        if isinstance(inner, Shape) and not field.read_only:
            found = args_class(inputs[name])
            assert found is not None, f"{path}{name} is no object in the SDK"
            yield from objects(inner, found, f"{path}{name}.")


def args_class(annotation: object) -> type | None:
    """The `...Args` class somewhere in an annotation such as `Sequence[Input[PortArgs]]`."""
    if inspect.isclass(annotation) and annotation.__name__.endswith("Args"):
        return annotation
    found = (args_class(each) for each in typing.get_args(annotation))
    return next((each for each in found if each), None)


def needed(args: type) -> set[str]:
    """The SDK's names of the inputs that a program cannot leave out."""
    names = sdk.input_type_py_to_pulumi_names(args)
    parameters = inspect.signature(args.__init__).parameters.values()
    return {
        names[each.name]
        for each in parameters
        if each.name != "__self__" and each.default is inspect.Parameter.empty
    }


def test_the_first_version_is_the_one_that_azure_native_sends(
    kind: ResourceType, resource: type
) -> None:
    documented = [overload.__doc__ or "" for overload in typing.get_overloads(resource.__init__)]
    found = re.search(r"Uses Azure REST API version ([-\w]+)\.", documented[0])
    assert found
    assert kind.api_versions[0] == found[1]


def test_every_name_is_one_that_the_sdk_has(kind: ResourceType, resource: type, args: type) -> None:
    inputs = set(sdk.input_type_types(args))
    assert kind.name_input in inputs
    assert not kind.scope_input or kind.scope_input in inputs
    assert set(kind.parent_inputs) <= inputs
    assert set(kind.new_on) <= inputs
    for path, shape, inner in objects(kind.shape, args):
        here = set(sdk.input_type_types(inner))
        settable = {name for name, field in shape.fields().items() if not field.read_only}
        assert settable <= here, path
    outputs = set(sdk.resource_types(resource))
    shown = {n for n, each in kind.shape.fields().items() if each.read_only and not each.secret}
    assert shown <= outputs


def test_every_input_that_the_sdk_demands_has_a_place(kind: ResourceType, args: type) -> None:
    outside = {kind.name_input, kind.scope_input, *kind.parent_inputs}
    for path, shape, inner in objects(kind.shape, args):
        assert needed(inner) <= {*shape.fields(), *(outside if not path else ())}, path


def test_an_input_without_a_place_is_refused_by_name(kind: ResourceType, args: type) -> None:
    known = {kind.name_input, kind.scope_input, *kind.parent_inputs, *kind.shape.fields()}
    for name in set(sdk.input_type_types(args)) - known:
        with pytest.raises(UnsupportedError, match=rf"does not support {name}; it knows"):
            kind.arm_inputs({kind.name_input: "any", name: {}})
