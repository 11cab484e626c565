"""ARM resource ids: parsed once, compared without case; what is answered where nothing is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from local_azure import types
from local_azure.arm.errors import ArmError

GROUPS = "Microsoft.Resources/resourceGroups"
"""The type of a resource group, whose id has no provider namespace."""

SUBSCRIPTIONS = "Microsoft.Resources/subscriptions"

_NAME = re.compile(r"[^/<>%&?\\\x00-\x1f]{1,260}")
_GROUP_NAME = re.compile(r"[-\w._()]{1,90}")


@dataclass(frozen=True)
class ResourceId:
    """An id in its parts.

    Attributes:
        text: The id as the client wrote it.
        scope: What it extends or lives in: a subscription, a resource group, another resource.
        type: `Namespace/type[/childType]`.
        names: One name per level of `type`.
        subscription: The subscription's id.
        group: The resource group's name, `""` above resource groups.
    """

    text: str
    scope: str
    type: str
    names: tuple[str, ...]
    subscription: str
    group: str

    @property
    def name(self) -> str:
        """The last segment."""
        return self.names[-1]

    @property
    def key(self) -> str:
        """The id as it is compared: ARM ignores case."""
        return self.text.lower()

    @property
    def parent(self) -> str | None:
        """The id of what must exist first: the parent, the extended resource or the group."""
        if self.type in (SUBSCRIPTIONS, GROUPS):
            return None
        if len(self.names) > 1:
            return self.text.rsplit("/", 2)[0]
        return self.scope


def parse(text: str) -> ResourceId:
    """Parse the path of a resource.

    Args:
        text: `/subscriptions/S[/resourceGroups/G][/providers/Namespace/type/name[/type/name]..]..`

    Raises:
        ArmError: 400 `InvalidResourceId`, or `InvalidResourceGroup` for an impossible group name.
    """
    segments = text.strip("/").split("/")
    if len(segments) < 2 or segments[0].lower() != "subscriptions" or not all(segments):
        raise _invalid(text)
    subscription = segments[1]
    rest = segments[2:]
    scope = f"/subscriptions/{subscription}"
    if not rest:
        return ResourceId(scope, "", SUBSCRIPTIONS, (subscription,), subscription, "")
    group = ""
    if rest[0].lower() == "resourcegroups":
        if len(rest) < 2:
            raise _invalid(text)
        group = rest[1]
        if not _GROUP_NAME.fullmatch(group) or group.endswith("."):
            raise ArmError(
                400,
                "InvalidResourceGroup",
                f"The resource group name '{group}' is not valid: letters, digits and -_.() only, "
                "at most 90, no full stop at the end.",
            )
        outer, scope = scope, f"{scope}/{rest[0]}/{group}"
        rest = rest[2:]
        if not rest:
            return ResourceId(scope, outer, GROUPS, (group,), subscription, group)
    return _provided(text, scope, rest, subscription, group)


def _provided(text: str, scope: str, rest: list[str], subscription: str, group: str) -> ResourceId:
    """The part from the (last) `/providers/` on; earlier ones belong to the scope."""
    while True:
        if rest[0].lower() != "providers" or len(rest) < 4:
            raise _invalid(text)
        namespace, levels = rest[1], rest[2:]
        further = next(
            (i for i in range(2, len(levels), 2) if levels[i].lower() == "providers"), None
        )
        own = levels[:further]
        if len(own) % 2 or not all(_NAME.fullmatch(part) for part in own):
            raise _invalid(text)
        here = f"{scope}/providers/{namespace}/{'/'.join(own)}"
        if further is None:
            return ResourceId(
                here,
                scope,
                f"{namespace}/{'/'.join(own[0::2])}",
                tuple(own[1::2]),
                subscription,
                group,
            )
        scope, rest = here, levels[further:]


def not_found(resource_id: str) -> ArmError:
    """Azure's answer for a resource that does not exist, with the code of its type."""
    rid = parse(resource_id)
    kind = types.find(rid.type)
    code = kind.missing if kind else "ResourceNotFound"
    if rid.type == GROUPS:
        return ArmError(404, code, f"Resource group '{rid.group}' could not be found.")
    if code != "ResourceNotFound":
        return ArmError(404, code, f"'{rid.name}' at '{rid.scope}' was not found.")
    where = f" under resource group '{rid.group}'" if rid.group else ""
    return ArmError(
        404,
        code,
        f"The Resource '{rid.type}/{rid.name}'{where} was not found. "
        "For more details please go to https://aka.ms/ARMResourceNotFoundFix",
    )


def _invalid(text: str) -> ArmError:
    return ArmError(
        400,
        "InvalidResourceId",
        f"'{text}' is no resource id: expected /subscriptions/ID/resourceGroups/NAME/providers/"
        "NAMESPACE/TYPE/NAME.",
    )
