"""ARM's lists: of a type in a scope, of everything in a group or subscription; their filters."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from local_azure import clock
from local_azure.arm.errors import ArmError
from local_azure.arm.ids import GROUPS, ResourceId, not_found, parse
from local_azure.arm.requests import known_type
from local_azure.arm.resources import Resources
from local_azure.arm.roles import ASSIGNMENTS
from local_azure.arm.service import Body
from local_azure.arm.store import Stored
from local_azure.arm.subscriptions import check_subscription

_TERM = r"(resourceType|name|location|resourceGroup|tagName|tagValue)\s+eq\s+'((?:[^']|'')*)'"
_TERMS = re.compile(rf"{_TERM}(\s+and\s+{_TERM})*", re.IGNORECASE)

_ASSIGNED = re.compile(r"(?:assignedTo\('|principalId eq ')([0-9a-fA-F-]+)'\)?")
"""Role assignments of a principal; the stand-in has no groups that would have more."""


@dataclass(frozen=True)
class Collections:
    """Lists resources.

    Attributes:
        resources: The resources.
    """

    resources: Resources

    async def list(self, path: str, version: str, query: Mapping[str, str]) -> Body:
        """A list by its path, as `{"value": [...]}`, oldest first.

        Args:
            path: `SCOPE/resources`, `/subscriptions/S/resourceGroups`, `SCOPE/providers/NS/TYPE`
                or `PARENT/TYPE`.
            version: The API version asked for.
            query: The request's query: `$filter`, `$expand`.

        Raises:
            ArmError: unknown scope, type or filter.
        """
        scope, _, last = path.rpartition("/")
        match path.strip("/").split("/")[2:]:
            case ["resources"] | ["resourceGroups", _, "resources"]:
                type_name = ""
            case ["resourceGroups"]:
                type_name = known_type(GROUPS, version).type
            case [*_, "providers", namespace, name]:
                scope = path.rsplit("/", 3)[0]
                type_name = known_type(f"{namespace}/{name}", version).type
            case _:
                type_name = known_type(f"{parse(scope).type}/{last}", version).type
        rid = self._existing(scope)
        test = _filter(query, type_name)
        prefix = scope.lower() + "/"
        found = [
            each
            for each in self.resources.store.select(rid.subscription, rid.group)
            if each.resource.id.lower().startswith(prefix)
            and (each.resource.type == type_name if type_name else _tracked(each))
            and test(each)
        ]
        if type_name:
            return {"value": [await self.resources.show(each.resource) for each in found]}
        expand = query.get("$expand", "").split(",")
        return {"value": [_overview(each, expand) for each in found]}

    def _existing(self, scope: str) -> ResourceId:
        rid = parse(scope)
        check_subscription(rid.subscription)
        if scope.count("/") > 2 and self.resources.store.get(scope) is None:
            if rid.type == GROUPS:
                raise not_found(scope)
            raise ArmError(
                404, "ParentResourceNotFound", f"The resource '{scope}' could not be found."
            )
        return rid


def _filter(query: Mapping[str, str], type_name: str) -> Callable[[Stored], bool]:
    """The test that an OData `$filter` asks for: terms of equality joined by `and`.

    Raises:
        ArmError: 400 `InvalidFilterInQueryString` for anything else, `InvalidTopInQueryString` for
            any `$top`: what narrows a list is never ignored.
    """
    if "$top" in query:
        raise ArmError(
            400, "InvalidTopInQueryString", "$top: the stand-in's lists have one page.", "$top"
        )
    text = query.get("$filter", "").strip()
    if not text or (type_name == ASSIGNMENTS and text == "atScope()"):
        return lambda _: True
    if assigned := _ASSIGNED.fullmatch(text):
        return lambda stored: (
            stored.resource.body.get("properties", {}).get("principalId") == assigned[1]
        )
    if not _TERMS.fullmatch(text):
        raise ArmError(
            400,
            "InvalidFilterInQueryString",
            f"Invalid $filter '{text}' specified in the query string. Understood here: FIELD eq "
            "'VALUE' with resourceType, name, resourceGroup, location, tagName or tagValue, joined "
            "by 'and'.",
            "$filter",
        )
    terms = [
        (field.lower(), value.replace("''", "'").lower())
        for field, value in re.findall(_TERM, text, re.IGNORECASE)
    ]
    return lambda stored: all(value in _values(stored, field) for field, value in terms)


def _values(stored: Stored, field: str) -> list[str]:
    """What a field of the filter language holds, in lower case."""
    resource = stored.resource
    tags = resource.body.get("tags") or {}
    match field:
        case "resourcetype":
            return [resource.type.lower()]
        case "name":
            return [resource.name.lower()]
        case "resourcegroup":
            return [parse(resource.id).group.lower()]
        case "location":
            return [str(resource.body.get("location", "")).lower()]
        case "tagname":
            return [name.lower() for name in tags]
        case _:
            return [str(value).lower() for value in tags.values()]


def _tracked(stored: Stored) -> bool:
    """Whether ARM's own list shows it: top-level resources with a location."""
    resource = stored.resource
    return resource.type != GROUPS and bool(resource.body.get("location"))


def _overview(stored: Stored, expand: list[str]) -> Body:
    resource = stored.resource
    parts = ("location", "tags", "kind", "sku", "identity", "managedBy", "plan")
    overview: Body = {"id": resource.id, "name": resource.name, "type": resource.type}
    overview |= {part: resource.body[part] for part in parts if part in resource.body}
    if "createdTime" in expand:
        overview["createdTime"] = clock.iso(stored.created)
    if "changedTime" in expand:
        overview["changedTime"] = clock.iso(stored.changed)
    if "provisioningState" in expand:
        overview["provisioningState"] = resource.state or None
    return overview
