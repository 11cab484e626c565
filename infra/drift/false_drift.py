"""Differences that are none: Azure writes the same thing in another way.

Each rule is here because azure-native's users meet it as false drift. It judges one resource at a
time and only ever drops a difference; what is left is reported.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from infra import azure_facts
from infra.drift import azure_defaults
from infra.preview.paths import MISSING, Difference, Path, pattern
from infra.preview.untold import SECRET

_ARM_ID = re.compile(r"/(subscriptions|providers|tenants)/", re.IGNORECASE)
_ENUMERATIONS = re.compile(
    r"(^|\.)(sku(\.(name|tier|family))?|protocol|scheme|osType|restartPolicy|kind|accessTier"
    r"|type|principalType|minimumTlsVersion|(default)?[aA]ction|publicNetworkAccess\w*|\w+AuthMode)$"
)
"""Properties whose values Azure compares without regard to case."""

_SECURE = frozenset({"secureValue", "secureValueReference", "storageAccountKey", "workspaceKey"})
"""What a read never returns."""

_COMPUTED = frozenset({(azure_facts.ML_WORKSPACE, ("discoveryUrl",))})
"""Inputs that Azure makes of others where they are left out; an import takes them over."""


_SCALED = frozenset(
    {
        (azure_facts.DEPLOYMENT, "spec.replicas"),
        (azure_facts.MANAGED_CLUSTER, "agentPoolProfiles[*].count"),
    }
)
"""What an autoscaler decides: how many pods and nodes there are."""


def without(kind: str, differences: Iterable[Difference]) -> list[Difference]:
    """The differences that are drift.

    Args:
        kind: The resource's type token.
        differences: Of one resource; `old` is the declared and `new` the actual side.
    """
    left = _without_address(kind, [one for one in differences if not _is_noise(kind, one)])
    return _without_renamed(_without_reordered(left))


def _without_address(kind: str, differences: Sequence[Difference]) -> list[Difference]:
    """Azure gives a container group another address now and then; its host name leads there."""
    named = {("ipAddress", "dnsNameLabel"), ("ipAddress", "fqdn"), ("ipAddress", "type")}
    if kind != azure_facts.CONTAINER_GROUP or any(one.path in named for one in differences):
        return list(differences)
    return [one for one in differences if one.path != ("ipAddress", "ip")]


def _is_noise(kind: str, one: Difference) -> bool:
    if _empty(one.old, one.path) and _empty(one.new, one.path):
        return True
    if one.new is MISSING and one.path and one.path[-1] in _SECURE:
        return True
    if one.old is MISSING and (
        _is_default(kind, one) or _is_hidden_tag(one.path) or (kind, one.path) in _COMPUTED
    ):
        return True
    if (kind, pattern(one.path)) in _SCALED or _is_patched(kind, one):
        return True
    return _same_value(one.path, one.old, one.new)


def _is_patched(kind: str, one: Difference) -> bool:
    """AKS installs patches of the minor version that is declared by itself."""
    if kind != azure_facts.MANAGED_CLUSTER or one.path != ("kubernetesVersion",):
        return False
    return str(one.new).startswith(f"{one.old}.")


def _empty(value: Any, path: Path) -> bool:
    """Nothing, in any of its forms; but a tag with an empty value is a tag."""
    if value is MISSING or value is None:
        return True
    return value in ("", [], {}) and not (len(path) > 1 and path[0] == "tags")


def _same_value(path: Path, declared: Any, actual: Any) -> bool:
    if not (isinstance(declared, str) and isinstance(actual, str)):
        return False
    if _ARM_ID.search(declared) and _ARM_ID.search(actual):
        return declared.rstrip("/").casefold() == actual.rstrip("/").casefold()
    if path and str(path[-1]).lower().endswith("location"):
        return _location(declared) == _location(actual)
    if _ENUMERATIONS.search(pattern(path)):
        return declared.casefold() == actual.casefold()
    return False


def _location(text: str) -> str:
    """`West Europe` and `westeurope` are one region."""
    return text.replace(" ", "").casefold()


def _is_default(kind: str, one: Difference) -> bool:
    known = azure_defaults.known(kind, pattern(one.path))
    # With its type: 1 is not True.
    return type(one.new) is type(known) and one.new == known


def _is_hidden_tag(path: Path) -> bool:
    """Tags that the portal and services set to link resources; the portal does not show them."""
    return len(path) == 2 and path[0] == "tags" and str(path[1]).startswith("hidden-")


def _without_reordered(differences: Sequence[Difference]) -> list[Difference]:
    """Lists of plain values are sets to Azure: another order is no difference."""
    lists: dict[Path, list[Difference]] = {}
    for one in differences:
        if one.path and isinstance(one.path[-1], int):
            lists.setdefault(one.path[:-1], []).append(one)
    same = {
        path
        for path, members in lists.items()
        if sorted(_fold(one.old) for one in members) == sorted(_fold(one.new) for one in members)
        and all(isinstance(one.old, str) and isinstance(one.new, str) for one in members)
    }
    return [one for one in differences if not one.path or one.path[:-1] not in same]


def _without_renamed(differences: Sequence[Difference]) -> list[Difference]:
    """An ARM id that is a key, and a tag's name: another case is another key to a mapping alone."""
    gone = {_key(one.path): one for one in differences if one.new is MISSING}
    come = {_key(one.path): one for one in differences if one.old is MISSING}
    same = {
        key
        for key in gone.keys() & come.keys()
        if gone[key].path != come[key].path and _fold(gone[key].old) == _fold(come[key].new)
    }
    return [one for one in differences if _key(one.path) not in same]


def _key(path: Path) -> Path:
    if len(path) == 2 and path[0] == "tags":
        return "tags", str(path[1]).casefold()
    return tuple(_fold(step) if isinstance(step, str) else step for step in path)


def _fold(value: Any) -> str:
    text = "[secret]" if value is SECRET else str(value)
    return text.casefold() if _ARM_ID.search(text) else text
