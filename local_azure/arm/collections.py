"""ARM's lists: of a type in a scope, of everything in a group or subscription; their filters."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from local_azure import clock
from local_azure.arm.errors import ArmError
from local_azure.arm.ids import GROUPS, parse
from local_azure.arm.requests import known_type
from local_azure.arm.resources import Resources
from local_azure.arm.service import Body
from local_azure.arm.store import Stored

_TERM = re.compile(
    r"\s*(?:(?P<field>resourceType|name|location|resourceGroup|tagName|tagValue)"
    r"\s+(?P<operator>eq|ne)\s+'(?P<value>(?:[^']|'')*)'"
    r"|substringof\(\s*'(?P<part>(?:[^']|'')*)'\s*,\s*name\s*\))\s*",
    re.IGNORECASE,
)

_ASSIGNED = re.compile(r"(?:assignedTo\('|principalId eq ')([0-9a-fA-F-]+)'\)?")
"""Role assignments of a principal; the stand-in has no groups that would have more."""

_AND = re.compile(r"and\b", re.IGNORECASE)

Test = Callable[[Stored], bool]
T = TypeVar("T")


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
            path: `SCOPE/resources`, `/subscriptions/S/resourcegroups`, `SCOPE/providers/NS/TYPE`
                or `PARENT/TYPE`.
            version: The API version asked for.
            query: The request's query: `$filter`, `$top`, `$expand`.

        Raises:
            ArmError: unknown scope, type or filter.
        """
        scope, _, last = path.rpartition("/")
        segments = path.strip("/").lower().split("/")
        if segments[2:] == ["resourcegroups"]:
            return await self._groups(scope, version, query)
        if segments[2:] in (["resources"], ["resourcegroups", *segments[3:4], "resources"]):
            return self._everything(scope, query)
        if len(segments) >= 5 and segments[-3] == "providers":
            scope = "/".join(path.split("/")[:-3])
            return await self._typed(scope, "/".join(path.split("/")[-2:]), version, query)
        parent = parse(scope)
        return await self._typed(scope, f"{parent.type}/{last}", version, query)

    async def _groups(self, scope: str, version: str, query: Mapping[str, str]) -> Body:
        known_type(GROUPS, version)
        subscription = parse(scope).subscription
        self.resources.subscriptions.check(subscription)
        test = _filter(query)
        found = [
            stored.resource
            for stored in self.resources.store.select(subscription)
            if stored.resource.type == GROUPS and test(stored)
        ]
        return {"value": [await self.resources.show(each) for each in _top(found, query)]}

    def _everything(self, scope: str, query: Mapping[str, str]) -> Body:
        rid = parse(scope)
        self._check_scope(scope)
        test = _filter(query)
        found = [
            stored
            for stored in self.resources.store.select(rid.subscription, rid.group)
            if _tracked(stored) and test(stored)
        ]
        expand = query.get("$expand", "").split(",")
        return {"value": [_overview(each, expand) for each in _top(found, query)]}

    async def _typed(
        self, scope: str, type_name: str, version: str, query: Mapping[str, str]
    ) -> Body:
        kind = known_type(type_name, version)
        self._check_scope(scope)
        prefix = scope.lower() + "/"
        test = _filter(query, ignore=("atScope()",))
        found = [
            resource
            for resource in self.resources.store.list(kind.type)
            if resource.id.lower().startswith(prefix) and test(Stored(resource, 0, 0))
        ]
        return {"value": [await self.resources.show(each) for each in _top(found, query)]}

    def _check_scope(self, scope: str) -> None:
        rid = parse(scope)
        self.resources.subscriptions.check(rid.subscription)
        if scope.count("/") > 2 and self.resources.store.get(scope) is None:
            if rid.type == GROUPS:
                raise ArmError(
                    404,
                    "ResourceGroupNotFound",
                    f"Resource group '{rid.group}' could not be found.",
                )
            raise ArmError(
                404, "ParentResourceNotFound", f"The resource '{scope}' could not be found."
            )


def _filter(query: Mapping[str, str], ignore: tuple[str, ...] = ()) -> Test:
    """The test that an OData `$filter` asks for: terms of equality joined by `and`.

    Raises:
        ArmError: 400 `InvalidFilterInQueryString` for anything else: a filter is never ignored.
    """
    text = query.get("$filter", "").strip()
    if not text or text in ignore:
        return lambda _: True
    if assigned := _ASSIGNED.fullmatch(text):
        return lambda stored: (
            stored.resource.body.get("properties", {}).get("principalId") == assigned[1]
        )
    tests: list[Test] = []
    position = 0
    while True:
        term = _TERM.match(text, position)
        if term is None:
            raise _bad_filter(text)
        tests.append(_test(term))
        position = term.end()
        if position == len(text):
            break
        joined = _AND.match(text, position)
        if joined is None:
            raise _bad_filter(text)
        position = joined.end()
    return lambda stored: all(test(stored) for test in tests)


def _test(term: re.Match[str]) -> Test:
    if term["part"] is not None:
        part = term["part"].replace("''", "'").lower()
        return lambda stored: part in stored.resource.name.lower()
    value = term["value"].replace("''", "'").lower()
    wanted = term["operator"].lower() == "eq"
    field = term["field"].lower()

    def test(stored: Stored) -> bool:
        return (value in _values(stored, field)) == wanted

    return test


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


def _bad_filter(text: str) -> ArmError:
    return ArmError(
        400,
        "InvalidFilterInQueryString",
        f"Invalid $filter '{text}' specified in the query string. Understood here: FIELD eq|ne "
        "'VALUE' with resourceType, name, resourceGroup, location, tagName or tagValue, "
        "substringof('PART', name), joined by 'and'.",
        "$filter",
    )


def _top(found: list[T], query: Mapping[str, str]) -> list[T]:
    text = query.get("$top", "")
    if not text:
        return found
    if not text.isdigit() or int(text) < 1:
        raise ArmError(
            400,
            "InvalidTopInQueryString",
            f"Invalid $top '{text}' specified in the query string: it must be a number from 1.",
            "$top",
        )
    return found[: int(text)]


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
        overview["provisioningState"] = resource.body.get("properties", {}).get("provisioningState")
    return overview
