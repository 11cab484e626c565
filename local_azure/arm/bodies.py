"""Request and response bodies: what ARM checks and adds for every type alike."""

from __future__ import annotations

import json
from typing import Any

from local_azure.arm.errors import ArmError
from local_azure.arm.rules import check_tags
from local_azure.arm.service import Body, Resource
from local_azure.arm.subscriptions import REGIONS
from local_azure.arm.text import check_text
from local_azure.types import ResourceType
from local_azure.types.shape import merge

_IDENTITY = ("id", "name", "type")


def parsed(content: bytes) -> object:
    """The JSON of a request.

    Raises:
        ArmError: 400 `InvalidRequestContent`.
    """
    try:
        value = json.loads(content, parse_constant=_no_number)
        check_text(value)
    except (ValueError, RecursionError) as error:
        raise ArmError(
            400,
            "InvalidRequestContent",
            f"The request content was invalid and could not be deserialized: '{error}'.",
        ) from error
    return value


def _no_number(word: str) -> object:
    raise ValueError(f"{word} is no JSON")


def checked(kind: ResourceType, body: object, previous: Resource | None) -> Body:
    """The part of a PUT's body that the client may set, once it is found good.

    Raises:
        ArmError: 400 with every violation in `details`; 409 when the location would change.
    """
    if not isinstance(body, dict):
        raise ArmError(400, "InvalidRequestContent", "The request content must be a JSON object.")
    wanted = {name: value for name, value in body.items() if name not in _IDENTITY}
    if isinstance(wanted.get("location"), str):
        wanted["location"] = _location(wanted["location"], previous)
    check_tags(wanted.get("tags"))
    violations = [
        ArmError(400, violation.code, violation.message, violation.target)
        for violation in kind.check(wanted)
    ]
    if violations:
        first = violations[0]
        raise ArmError(
            400,
            first.code,
            first.message,
            first.target,
            details=violations if len(violations) > 1 else (),
        )
    return wanted


def merged(current: Body, patch: object) -> Body:
    """`current` with a PATCH's body merged in (RFC 7396).

    Raises:
        ArmError: 400 when the patch is no object.
    """
    if not isinstance(patch, dict):
        raise ArmError(400, "InvalidRequestContent", "The request content must be a JSON object.")
    return merge(current, {k: v for k, v in patch.items() if k not in _IDENTITY})


def shown(resource: Resource, body: Body) -> Body:
    """A body as ARM answers it: with `id`, `name` and `type` in front."""
    identity = {"id": resource.id, "name": resource.name, "type": resource.type}
    return {**identity, **{name: value for name, value in body.items() if name not in _IDENTITY}}


def check_unchanged(kind: ResourceType, previous: Resource, wanted: Body) -> None:
    """Refuse a change that the service cannot make in place.

    Raises:
        ArmError: 409 `PropertyChangeNotAllowed` with the first such path.
    """
    for path in kind.immutable:
        before, after = (_by_name(body, path) for body in (previous.body, wanted))
        for item, value in after.items():
            if value is None or item not in before or before[item] == value:
                continue
            raise ArmError(
                409,
                "PropertyChangeNotAllowed",
                f"Changing property '{path}' of '{'/'.join((previous.name, *item))}' is not "
                f"allowed: it is {json.dumps(before[item])}, the request says "
                f"{json.dumps(value)}. Delete it and make it anew.",
                path,
            )


def _by_name(body: Body, path: str) -> dict[tuple[str, ...], Any]:
    """What stands at a path, or None, by the names of the list items that lead there."""
    *lists, last = path.split("[].")
    found: dict[tuple[str, ...], Any] = {(): body}
    for each in lists:
        found = {
            (*names, str(item.get("name", ""))): item
            for names, value in found.items()
            for item in _at(value, each) or ()
        }
    return {names: _at(item, last) for names, item in found.items()}


def _at(value: Any, path: str) -> Any:
    """What stands at a path such as `properties.ports`, or None."""
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _location(text: str, previous: Resource | None) -> str:
    location = text.replace(" ", "").lower()
    if location not in REGIONS and location != "global":
        raise ArmError(
            400,
            "LocationNotAvailableForResourceType",
            f"The provided location '{text}' is not available. List of available regions is "
            f"'{','.join(REGIONS)}'.",
            "location",
        )
    before = previous.body.get("location") if previous else None
    if previous and before and before != location:
        raise ArmError(
            409,
            "InvalidResourceLocation",
            f"The resource '{previous.name}' already exists in location '{before}'. A resource "
            f"with the same name cannot be created in location '{location}'. Please select a new "
            "resource name.",
            "location",
        )
    return location
