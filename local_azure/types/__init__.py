"""The resource types that the stand-in knows: Azure's schemas with an overlay, for all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from local_azure.types.resource_type import ResourceType
from local_azure.types.shape import Field, Shape, UnsupportedError

__all__ = [
    "Field",
    "ResourceType",
    "Shape",
    "UnsupportedError",
    "all_types",
    "find",
    "find_token",
    "of",
]

_OVERLAYS = sorted((Path(__file__).parent / "overlays").glob("*.toml"), key=lambda file: file.stem)
_ALL = tuple(ResourceType.read(file) for file in _OVERLAYS)
_BY_TYPE = {each.type.lower(): each for each in _ALL}
_BY_TOKEN = {each.token: each for each in _ALL}


def all_types() -> Sequence[ResourceType]:
    """Every type."""
    return _ALL


def find(type_name: str) -> ResourceType | None:
    """The type with Azure's name for it, such as `Microsoft.KeyVault/vaults`; case is ignored."""
    return _BY_TYPE.get(type_name.lower())


def of(type_name: str) -> ResourceType:
    """The same for a name that is known to be one."""
    return _BY_TYPE[type_name.lower()]


def find_token(token: str) -> ResourceType | None:
    """The type with Pulumi's name for it, such as `azure-native:keyvault:Vault`."""
    return _BY_TOKEN.get(token)
