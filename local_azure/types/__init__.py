"""The resource types that the stand-in knows: Azure's schemas with an overlay, for all."""

from __future__ import annotations

from collections.abc import Sequence

from local_azure.types import (
    containers,
    containerservice,
    identity,
    keyvault,
    machinelearning,
    monitoring,
    registry,
    resources,
    storage,
)
from local_azure.types.resource_type import ResourceType
from local_azure.types.schema import Overlay, Violation
from local_azure.types.shape import Field, Shape, UnsupportedError

__all__ = [
    "Field",
    "Overlay",
    "ResourceType",
    "Shape",
    "UnsupportedError",
    "Violation",
    "all_types",
    "find",
    "find_token",
]

_ALL: tuple[ResourceType, ...] = (
    *resources.TYPES,
    *monitoring.TYPES,
    *storage.TYPES,
    *keyvault.TYPES,
    *identity.TYPES,
    *registry.TYPES,
    *machinelearning.TYPES,
    *containers.TYPES,
    *containerservice.TYPES,
)
_BY_TYPE = {each.type.lower(): each for each in _ALL}
_BY_TOKEN = {each.token: each for each in _ALL}


def all_types() -> Sequence[ResourceType]:
    """Every type."""
    return _ALL


def find(type_name: str) -> ResourceType | None:
    """The type with Azure's name for it, such as `Microsoft.KeyVault/vaults`; case is ignored."""
    return _BY_TYPE.get(type_name.lower())


def find_token(token: str) -> ResourceType | None:
    """The type with Pulumi's name for it, such as `azure-native:keyvault:Vault`."""
    return _BY_TOKEN.get(token)
