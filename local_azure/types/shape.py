"""The shape of a JSON body, in Azure's words and in the Pulumi SDK's.

A field knows what it holds and where each side puts it; so one table checks a request, completes it
with defaults and translates it. Azure nests what the SDK keeps flat: a `Shape` has fields on `top`
and fields under `properties`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

_GUID = re.compile(r"[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


@dataclass(frozen=True)
class Violation:
    """What is wrong with a body: Azure's error code, a sentence, the path."""

    code: str
    target: str
    message: str


class Kind(Protocol):
    """What a field may hold. `arm` is a JSON value as Azure has it, `sdk` as Pulumi has it."""

    def check(self, arm: Any, path: str) -> Iterator[Violation]:
        """Every violation in a value."""
        ...

    def complete(self, arm: Any) -> Any:
        """The value with defaults added, without nulls and read-only members."""
        ...

    def to_arm(self, sdk: Any, path: str) -> Any:
        """Translate a value of the SDK.

        Raises:
            UnsupportedError: It has a member that the table does not.
        """
        ...

    def to_sdk(self, arm: Any) -> Any:
        """Translate a value of Azure; members that the table does not have are left out."""
        ...


class UnsupportedError(Exception):
    """A property of the SDK that the stand-in does not support."""


@dataclass(frozen=True)
class Scalar:
    """A string, number or Boolean.

    Attributes:
        type: `str`, `int`, `float` or `bool`.
        allowed: The only values allowed, compared without case as Azure does; empty allows all.
        guid: Whether a string must be a GUID.
    """

    type: type
    allowed: tuple[str, ...] = ()
    guid: bool = False

    def check(self, arm: Any, path: str) -> Iterator[Violation]:
        """A wrong JSON type, or a value that is not allowed."""
        accepted = (int, float) if self.type is float else self.type
        if not isinstance(arm, accepted) or (isinstance(arm, bool) and self.type is not bool):
            yield Violation(
                "InvalidRequestContent",
                path,
                f"Error converting value {arm!r} to type '{self.type.__name__}'. Path '{path}'.",
            )
        elif self.allowed and str(arm).lower() not in {value.lower() for value in self.allowed}:
            yield Violation(
                "InvalidParameter",
                path,
                f"The value {arm!r} of '{path}' is not allowed; "
                f"allowed: {', '.join(self.allowed)}.",
            )

        elif self.guid and not _GUID.fullmatch(str(arm)):
            yield Violation(
                "InvalidParameter",
                path,
                f"The value {arm!r} of '{path}' is not a GUID, such as "
                "00000000-0000-0000-0000-000000000000.",
            )

    def complete(self, arm: Any) -> Any:
        """The value, in the spelling that Azure answers with."""
        for value in self.allowed:
            if value.lower() == str(arm).lower():
                return value
        return arm

    def to_arm(self, sdk: Any, path: str) -> Any:
        """The same value; Pulumi's numbers are all floating point."""
        if self.type is int and isinstance(sdk, float) and sdk.is_integer():
            return int(sdk)
        return sdk

    def to_sdk(self, arm: Any) -> Any:
        """The same value."""
        return arm


@dataclass(frozen=True)
class Items:
    """A JSON array."""

    item: Kind

    def check(self, arm: Any, path: str) -> Iterator[Violation]:
        """Not an array, or violations of its items."""
        if not isinstance(arm, list):
            yield Violation("InvalidRequestContent", path, f"'{path}' must be a JSON array.")
            return
        for index, value in enumerate(arm):
            yield from self.item.check(value, f"{path}[{index}]")

    def complete(self, arm: Any) -> Any:
        """Each item completed."""
        return [self.item.complete(value) for value in arm]

    def to_arm(self, sdk: Any, path: str) -> Any:
        """Each item translated."""
        return [self.item.to_arm(value, f"{path}[{index}]") for index, value in enumerate(sdk)]

    def to_sdk(self, arm: Any) -> Any:
        """Each item translated."""
        return [self.item.to_sdk(value) for value in arm]


@dataclass(frozen=True)
class Entries:
    """A JSON object with free names, such as tags."""

    item: Kind

    def check(self, arm: Any, path: str) -> Iterator[Violation]:
        """Not an object, or violations of its values."""
        if not isinstance(arm, dict):
            yield Violation("InvalidRequestContent", path, f"'{path}' must be a JSON object.")
            return
        for name, value in arm.items():
            yield from self.item.check(value, f"{path}.{name}")

    def complete(self, arm: Any) -> Any:
        """Each value completed."""
        return {name: self.item.complete(value) for name, value in arm.items()}

    def to_arm(self, sdk: Any, path: str) -> Any:
        """Each value translated."""
        return {name: self.item.to_arm(value, f"{path}.{name}") for name, value in sdk.items()}

    def to_sdk(self, arm: Any) -> Any:
        """Each value translated."""
        return {name: self.item.to_sdk(value) for name, value in arm.items()}


@dataclass(frozen=True)
class Identities:
    """User-assigned identities: a list of ids for the SDK, a map from id to object for Azure."""

    def check(self, arm: Any, path: str) -> Iterator[Violation]:
        """Not an object, or a key that is no id of an identity."""
        if not isinstance(arm, dict):
            yield Violation("InvalidRequestContent", path, f"'{path}' must be a JSON object.")
            return
        for key in arm:
            if "/microsoft.managedidentity/userassignedidentities/" not in key.lower():
                yield Violation(
                    "InvalidParameter", path, f"'{key}' is no id of a user-assigned identity."
                )

    def complete(self, arm: Any) -> Any:
        """The ids alone: what Azure knows of each is added by whoever knows it."""
        return {key: {} for key in arm}

    def to_arm(self, sdk: Any, path: str) -> Any:
        """A map with an empty object for each id."""
        return {key: {} for key in sdk}

    def to_sdk(self, arm: Any) -> Any:
        """The map as it is: outputs show what Azure knows of each identity."""
        return arm


@dataclass(frozen=True)
class Field:
    """One member of an object.

    Attributes:
        kind: What it holds.
        arm: Azure's name for it, where that differs from the SDK's.
        required: Whether a request must have it.
        read_only: Whether only Azure sets it; a client that sends it back is not refused.
        secret: Whether it is written and never answered.
        default: What Azure takes when a request leaves it out; None takes nothing.
    """

    kind: Kind
    arm: str = ""
    required: bool = False
    read_only: bool = False
    secret: bool = False
    default: Any = None


@dataclass(frozen=True)
class Shape:
    """A JSON object with named members.

    Attributes:
        top: Fields by their name in the SDK.
        properties: Fields that the SDK keeps flat and Azure puts under `properties`.
    """

    top: Mapping[str, Field]
    properties: Mapping[str, Field] = field(default_factory=dict)

    def check(self, arm: Any, path: str = "") -> Iterator[Violation]:
        """Unknown, missing and ill-typed members."""
        if not isinstance(arm, dict):
            yield Violation("InvalidRequestContent", path, f"'{path}' must be a JSON object.")
            return
        yield from _check(self.top, arm, path, other={"properties"} if self.properties else set())
        inner = arm.get("properties")
        if self.properties and inner is not None and not isinstance(inner, dict):
            where = _join(path, "properties")
            yield Violation("InvalidRequestContent", where, f"'{where}' must be a JSON object.")
        elif self.properties:
            yield from _check(self.properties, inner or {}, _join(path, "properties"), other=set())

    def complete(self, arm: Any) -> dict[str, Any]:
        """What a request sets, with defaults; nulls and read-only members are dropped."""
        result = _complete(self.top, arm)
        if self.properties:
            result["properties"] = _complete(self.properties, arm.get("properties") or {})
        return result

    def to_arm(self, sdk: Any, path: str = "") -> dict[str, Any]:
        """Azure's form of the SDK's inputs."""
        unknown = sorted(set(sdk) - set(self.top) - set(self.properties))
        if unknown:
            raise UnsupportedError(
                f"the local stand-in does not support {_join(path, unknown[0])}; "
                f"it knows {', '.join(sorted([*self.top, *self.properties]))}"
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


def _check(
    fields: Mapping[str, Field], arm: Mapping[str, Any], path: str, *, other: set[str]
) -> Iterator[Violation]:
    known = {each.arm or name: each for name, each in fields.items()}
    for name, value in arm.items():
        where = _join(path, name)
        found = known.get(name)
        if found is None:
            if name not in other:
                yield Violation(
                    "InvalidRequestContent",
                    where,
                    f"Could not find member '{name}'. Path '{where}'. "
                    f"The stand-in knows: {', '.join(sorted({*known, *other}))}.",
                )
        elif value is not None and not found.read_only:
            yield from found.kind.check(value, where)
    for name, each in known.items():
        if each.required and arm.get(name) is None:
            where = _join(path, name)
            yield Violation(
                "InvalidRequestContent",
                where,
                f"Required property '{name}' not found. Path '{where}'.",
            )


def _complete(fields: Mapping[str, Field], arm: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, each in fields.items():
        value = arm.get(each.arm or name)
        if each.read_only:
            continue
        if value is None:
            value = each.default
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


def text(*allowed: str, default: str | None = None) -> Field:
    """A string, one of `allowed` if any are given."""
    return Field(Scalar(str, allowed), default=default)


def guid() -> Field:
    """A GUID."""
    return Field(Scalar(str, guid=True))


def whole(default: int | None = None) -> Field:
    """An integer."""
    return Field(Scalar(int), default=default)


def number() -> Field:
    """A number."""
    return Field(Scalar(float))


def flag(default: bool | None = None) -> Field:
    """A Boolean."""
    return Field(Scalar(bool), default=default)


def texts() -> Field:
    """An array of strings."""
    return Field(Items(Scalar(str)))


def tags() -> Field:
    """An object of strings."""
    return Field(Entries(Scalar(str)))


def one(shape: Shape) -> Field:
    """An object."""
    return Field(shape)


def many(shape: Shape) -> Field:
    """An array of objects."""
    return Field(Items(shape))


def required(each: Field) -> Field:
    """The field, demanded of every request."""
    return replace(each, required=True)


def read_only(each: Field) -> Field:
    """The field, set by Azure alone."""
    return replace(each, read_only=True)


def secret(each: Field) -> Field:
    """The field, never answered."""
    return replace(each, secret=True)


def named(arm: str, each: Field) -> Field:
    """The field under Azure's own name for it."""
    return replace(each, arm=arm)
