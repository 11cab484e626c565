"""Property-level differences between the inputs in the state and the program's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

_PLAIN_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")


@dataclass(frozen=True)
class Difference:
    """One changed property: its path in Pulumi's notation, such as `containers[0].image`."""

    path: str
    change: Literal["ADD", "DELETE", "UPDATE"]

    @property
    def root(self) -> str:
        """The top-level input that the path begins with."""
        return re.split(r"[.\[]", self.path, maxsplit=1)[0]


_ABSENT = object()


def comparable(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Inputs as azure-native compares them: without its marks; a location however it is spelt."""
    result = {name: value for name, value in inputs.items() if not name.startswith("__")}
    location = result.get("location")
    if isinstance(location, str):
        result["location"] = location.replace(" ", "").lower()
    return result


def differences(old: Any, new: Any, path: str = "") -> Iterator[Difference]:
    """Every leaf that differs. Numbers are compared by value, null is absent."""
    old, new = (_ABSENT if value is None else value for value in (old, new))
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted({*old, *new}):
            yield from differences(old.get(name), new.get(name), _member(path, name))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            yield from differences(
                old[index] if index < len(old) else None,
                new[index] if index < len(new) else None,
                f"{path}[{index}]",
            )
    elif old is _ABSENT and new is not _ABSENT:
        yield Difference(path, "ADD")
    elif new is _ABSENT and old is not _ABSENT:
        yield Difference(path, "DELETE")
    elif old != new:
        yield Difference(path, "UPDATE")


def _member(path: str, name: str) -> str:
    if not _PLAIN_NAME.fullmatch(name):
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'{path}["{escaped}"]'
    return f"{path}.{name}" if path else name
