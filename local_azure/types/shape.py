"""The shape of a JSON body, in Azure's words and in the Pulumi SDK's.

A field knows what it holds and where each side puts it; so one tree completes a request with
defaults and translates it. Azure nests what the SDK keeps flat: a `Shape` has fields on `top` and
fields under `properties`. The trees are made of Azure's schemas, see `schema`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


class Kind:
    """What a field may hold. `arm` is a JSON value as Azure has it, `sdk` as Pulumi has it.

    By itself it is a value that both sides have alike; lists and objects change what is in them.
    """

    def inside(self, value: Any, change: Callable[[Kind, Any, str], Any], path: str = "") -> Any:
        """The value with each part changed: `change` gets its kind, the part and its path."""
        return value

    def complete(self, arm: Any) -> Any:
        """The value with defaults added, without nulls and read-only members."""
        return self.inside(arm, lambda kind, part, _: kind.complete(part))

    def settable(self, arm: Any) -> Any:
        """The value without nulls and what only Azure sets; the rest is untouched."""
        return self.inside(arm, lambda kind, part, _: kind.settable(part))

    def to_arm(self, sdk: Any, path: str = "") -> Any:
        """Translate a value of the SDK.

        Raises:
            UnsupportedError: It has a member that the stand-in does not support.
        """
        return self.inside(sdk, lambda kind, part, where: kind.to_arm(part, where), path)

    def to_sdk(self, arm: Any) -> Any:
        """Translate a value of Azure; members that are not known are left out."""
        return self.inside(arm, lambda kind, part, _: kind.to_sdk(part))


class UnsupportedError(Exception):
    """A property of the SDK that the stand-in does not support."""


@dataclass(frozen=True)
class Scalar(Kind):
    """A string, number or Boolean, or anything where `type` is None.

    Attributes:
        type: `str`, `int`, `float`, `bool` or None.
        allowed: The only values allowed, compared without case as Azure does; empty allows all.
        limits: JSON Schema's `pattern`, `minLength`, `maxLength`, `minimum` and `maximum`.
    """

    type: type | None = None
    allowed: tuple[str, ...] = ()
    limits: Mapping[str, Any] = field(default_factory=dict)

    def complete(self, arm: Any) -> Any:
        """The value, in the spelling that Azure answers with."""
        return next((value for value in self.allowed if folded(value) == folded(arm)), arm)

    def to_arm(self, sdk: Any, path: str = "") -> Any:
        """The same value; Pulumi's numbers are all floating point."""
        if self.type is int and isinstance(sdk, float) and sdk.is_integer():
            return int(sdk)
        return sdk


@dataclass(frozen=True)
class Items(Kind):
    """A JSON array."""

    item: Kind

    def inside(self, value: Any, change: Callable[[Kind, Any, str], Any], path: str = "") -> Any:
        """Each item changed."""
        if not isinstance(value, list):
            return value
        return [change(self.item, each, f"{path}[{index}]") for index, each in enumerate(value)]


@dataclass(frozen=True)
class Entries(Kind):
    """A JSON object with free names, such as tags."""

    item: Kind

    def inside(self, value: Any, change: Callable[[Kind, Any, str], Any], path: str = "") -> Any:
        """Each value changed."""
        if not isinstance(value, dict):
            return value
        return {name: change(self.item, each, f"{path}.{name}") for name, each in value.items()}


@dataclass(frozen=True)
class Identities(Kind):
    """User-assigned identities: a list of ids for the SDK, a map from id to object for Azure."""

    def complete(self, arm: Any) -> Any:
        """The ids alone: what Azure knows of each is added by whoever knows it."""
        return {key: {} for key in arm}

    def settable(self, arm: Any) -> Any:
        """The same, for what may be no map."""
        return self.complete(arm) if isinstance(arm, dict) else arm

    def to_arm(self, sdk: Any, path: str = "") -> Any:
        """A map with an empty object for each id."""
        return self.complete(sdk)


@dataclass(frozen=True)
class Field:
    """One member of an object.

    Attributes:
        kind: What it holds.
        arm: Azure's name for it, where that differs from the SDK's.
        required: Whether a request must have it.
        read_only: Whether only Azure sets it; a client that sends it back is not refused.
        secret: Whether it is written and never answered, or nothing that the SDK knows.
        default: What Azure takes when a request leaves it out; None takes nothing. An object is
            merged into what the request says.
    """

    kind: Kind
    arm: str = ""
    required: bool = False
    read_only: bool = False
    secret: bool = False
    default: Any = None


@dataclass(frozen=True)
class Shape(Kind):
    """A JSON object with named members.

    Attributes:
        top: Fields by their name in the SDK.
        properties: Fields that the SDK keeps flat and Azure puts under `properties`.
    """

    top: Mapping[str, Field]
    properties: Mapping[str, Field] = field(default_factory=dict)

    def settable(self, arm: Any) -> Any:
        """The value without nulls and what only Azure sets; the rest is untouched.

        What is not known is left out where it says nothing, such as the empty objects that clients
        send for what their user did not ask for.
        """
        if not isinstance(arm, dict):
            return arm
        inner = arm.get("properties")
        if not self.properties or not isinstance(inner, dict):
            return _settable(self.top, arm)
        result = _settable(self.top, {k: v for k, v in arm.items() if k != "properties"})
        said = _settable(self.properties, inner)
        # Where nothing of it can be set, the schema has none.
        none = not said and all(each.read_only for each in self.properties.values())
        return result if none else {**result, "properties": said}

    def complete(self, arm: Any) -> dict[str, Any]:
        """What a request sets, with defaults; nulls and read-only members are dropped."""
        result = _complete(self.top, arm)
        if self.properties:
            result["properties"] = _complete(self.properties, arm.get("properties") or {})
        return result

    def to_arm(self, sdk: Any, path: str = "") -> dict[str, Any]:
        """Azure's form of the SDK's inputs."""
        known = {name for name, each in self.fields().items() if not each.read_only}
        if unknown := sorted(set(sdk) - known):
            raise UnsupportedError(
                f"the local stand-in does not support {_join(path, unknown[0])}; "
                f"it knows {', '.join(sorted(known))}"
            )
        result = _to_arm(self.top, sdk, path)
        if any(not each.read_only for each in self.properties.values()):
            result["properties"] = _to_arm(self.properties, sdk, path)
        return result

    def to_sdk(self, arm: Any) -> dict[str, Any]:
        """The SDK's form of Azure's answer, read-only members included, secrets left out."""
        return _to_sdk(self.top, arm) | _to_sdk(self.properties, arm.get("properties") or {})

    def fields(self) -> Mapping[str, Field]:
        """All fields by their name in the SDK."""
        return {**self.top, **self.properties}


def folded(value: object) -> str:
    """A value as Azure compares it with the allowed ones: without case and blanks."""
    return str(value).replace(" ", "").lower()


def merge(body: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """`body` with `more` merged in, object by object; null takes a member away (RFC 7396)."""
    result = dict(body)
    for name, value in more.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict):
            here = result.get(name)
            result[name] = merge(here if isinstance(here, dict) else {}, value)
        else:
            result[name] = value
    return result


def _empty(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_empty(each) for each in value.values())
    return value is None or value == []


def _settable(fields: Mapping[str, Field], arm: Mapping[str, Any]) -> dict[str, Any]:
    known = {each.arm or name: each for name, each in fields.items()}
    result: dict[str, Any] = {}
    for name, value in arm.items():
        found = known.get(name)
        if value is None or (found and found.read_only) or (found is None and _empty(value)):
            continue
        result[name] = found.kind.settable(value) if found else value
    return result


def _complete(fields: Mapping[str, Field], arm: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, each in fields.items():
        value = None if each.read_only else arm.get(each.arm or name)
        if value is None:
            value = each.default
        elif isinstance(each.default, dict) and isinstance(value, dict):
            value = merge(each.default, value)
        if value is not None:
            result[each.arm or name] = each.kind.complete(value)
    return result


def _to_arm(fields: Mapping[str, Field], sdk: Mapping[str, Any], path: str) -> dict[str, Any]:
    return {
        each.arm or name: each.kind.to_arm(sdk[name], _join(path, name))
        for name, each in fields.items()
        if sdk.get(name) is not None
    }


def _to_sdk(fields: Mapping[str, Field], arm: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: each.kind.to_sdk(arm[each.arm or name])
        for name, each in fields.items()
        if arm.get(each.arm or name) is not None and not each.secret
    }


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
