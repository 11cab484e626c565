"""ARM resource ids: parsed once, compared without case; what is answered where nothing is."""

from __future__ import annotations

import re
from dataclasses import dataclass

from local_azure import types
from local_azure.arm.errors import ArmError

GROUPS = "Microsoft.Resources/resourceGroups"
"""The type of a resource group, whose id has no provider namespace."""

SUBSCRIPTIONS = "Microsoft.Resources/subscriptions"

_PART = r"/[^/<>%&?\\\x00-\x1f]{1,260}"
_PROVIDED = rf"/providers/[^/]+(?:/(?!providers/){_PART[1:]}{_PART})+"
_ID = re.compile(
    rf"/subscriptions/(?P<subscription>[^/]+)(?:/resourceGroups/(?P<group>[^/]+))?"
    rf"(?P<extended>(?:{_PROVIDED})*?)(?P<own>{_PROVIDED})?",
    re.IGNORECASE | re.ASCII,
)
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
    found = _ID.fullmatch(f"/{text.strip('/')}")
    if found is None:
        raise ArmError(
            400,
            "InvalidResourceId",
            f"'{text}' is no resource id: expected /subscriptions/ID/resourceGroups/NAME/providers/"
            "NAMESPACE/TYPE/NAME.",
        )
    whole, subscription, group = found[0], found["subscription"], found["group"] or ""
    if group and (not _GROUP_NAME.fullmatch(group) or group.endswith(".")):
        raise ArmError(
            400,
            "InvalidResourceGroup",
            f"The resource group name '{group}' is not valid: letters, digits and -_.() only, "
            "at most 90, no full stop at the end.",
        )
    if own := found["own"]:
        scope = whole.removesuffix(own)
        namespace, *levels = own.split("/")[2:]
        type_name, names = "/".join([namespace, *levels[0::2]]), tuple(levels[1::2])
    elif group:
        scope, type_name, names = whole.rsplit("/", 2)[0], GROUPS, (group,)
    else:
        scope, type_name, names = "", SUBSCRIPTIONS, (subscription,)
    return ResourceId(whole, scope, type_name, names, subscription, group)


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
