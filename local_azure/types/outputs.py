"""What Azure adds to a body: read-only members, made of templates.

A template is filled in with `{name}`, `{location}`, `{scope}`, `{tenant}`, and `{guid[WORD]}`: the
latter is always the same for the same resource and word.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from local_azure.arm.subscriptions import TENANT

_NAMESPACE = uuid.UUID("d2c6f7a0-4a5b-4e43-8a39-0f1c6d0b9f11")


def added(
    type_name: str, templates: Mapping[str, Any], resource_id: str, body: Mapping[str, Any]
) -> dict[str, Any]:
    """The read-only members of a resource, as a partial body.

    Args:
        type_name: The resource's type.
        templates: Of the type.
        resource_id: Its id.
        body: Completed.
    """
    names = {
        "name": resource_id.rpartition("/")[2],
        "location": body.get("location", ""),
        "scope": resource_id.rpartition("/providers/")[0],
        "tenant": TENANT,
        "guid": _Guids(resource_id),
    }
    result = _filled(templates, names)
    if "systemassigned" not in str(body.get("identity", {}).get("type", "")).lower():
        result.pop("identity", None)
    if type_name == "Microsoft.ContainerRegistry/registries" and (
        body["sku"]["name"] == "Premium" and "networkRuleSet" not in body["properties"]
    ):
        result["properties"]["networkRuleSet"] = {"defaultAction": "Allow", "ipRules": []}
    return result


class _Guids:
    def __init__(self, resource_id: str) -> None:
        self._id = resource_id.lower()

    def __getitem__(self, word: str) -> str:
        return str(uuid.uuid5(_NAMESPACE, f"{self._id}#{word}"))


def _filled(template: Any, names: Mapping[str, object]) -> Any:
    if isinstance(template, str):
        return template.format_map(names)
    if isinstance(template, Mapping):
        return {name: _filled(each, names) for name, each in template.items()}
    return template
