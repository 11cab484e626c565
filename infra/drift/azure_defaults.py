"""What Azure answers for a property that nobody set, and which values of which properties open.

`azure_defaults.yaml` holds it, by the provider's type token; a PATH is made of the provider's own
input names, with `[*]` for every index, such as `policies.trustPolicy.status`.

- `defaults`: by who says so. The drift check holds what Azure answers against what is declared,
  else against these: a value that is neither was set by somebody. `known(TYPE, PATH)` finds one.
- `openings`: the values that let more people in than any other value would; a path that is not
  there opens nothing. Each element of a list in `opening lists` lets somebody in.
  `opens(TYPE, PATH, VALUE)` asks both.
- `arm names`: Azure's name of a member of `properties`, where the provider's is another.
  `setting(TYPE, PATH)` is what sets one back by hand.
- `read only`: what Azure makes of something else, and no request sets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from infra.preview.untold import MISSING

_TABLES: Mapping[str, Any] = yaml.safe_load(
    Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")
)
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    kind: {path: each for values in tables["defaults"].values() for path, each in values.items()}
    for kind, tables in _TABLES.items()
}
OPENINGS: Mapping[str, Mapping[str, list[Any]]] = {
    kind: tables["openings"] for kind, tables in _TABLES.items()
}
OPENING_LISTS: Mapping[str, list[str]] = {
    kind: tables.get("opening lists", []) for kind, tables in _TABLES.items()
}
_ARM_NAMES: Mapping[str, Mapping[str, str]] = {
    kind: tables.get("arm names", {}) for kind, tables in _TABLES.items()
}
_READ_ONLY: Mapping[str, list[str]] = {
    kind: tables.get("read only", []) for kind, tables in _TABLES.items()
}


def known(kind: str, path: str) -> Any:
    """What Azure is known to answer for a property that was left out, else `MISSING`.

    Of an element of a list, or what is in one, nothing is known but that the list is empty: ask
    `is_left_empty`.
    """
    return DEFAULTS.get(kind, {}).get(path, MISSING)


def is_left_empty(kind: str, path: str) -> bool:
    """Whether a path leads into a list that is empty where nobody set it."""
    return any(known(kind, each) == [] for each in _lists(path))


def setting(kind: str, path: str) -> str:
    """`PATH=JSON` in Azure's names that sets a property to its default.

    It is what `az resource update --set` takes. A list is set as a whole. It is empty where no
    default is known or nobody can set one.
    """
    emptied = [each for each in _lists(path) if known(kind, each) == []]
    where = emptied[0] if emptied else path
    default = known(kind, where)
    if default is MISSING or "[*]" in where or where in _READ_ONLY[kind]:
        return ""
    top, _, rest = where.partition(".")
    if top != "properties":
        top = f"properties.{_ARM_NAMES[kind].get(top, top)}"
    return f"{top}{rest and '.'}{rest}={json.dumps(default)}"


def _lists(path: str) -> list[str]:
    """The paths of the lists that a path leads through."""
    return [path[: found.start()] for found in re.finditer(r"\[\*\]", path)]


def opens(kind: str, path: str, value: Any) -> bool:
    """Whether a value lets more people in; Azure compares words without regard to case."""
    if not set(OPENING_LISTS.get(kind, ())).isdisjoint(_lists(path)):
        return True
    for each in OPENINGS.get(kind, {}).get(path, ()):
        if isinstance(each, str) and isinstance(value, str):
            if each.casefold() in {part.strip().casefold() for part in value.split(",")}:
                return True
        elif type(each) is type(value) and each == value:
            return True
    return False
