"""What Azure refuses whatever the type: tags, names.

Sources: "Use tags to organize your Azure resources" (its limitations) and "Naming rules and
restrictions for Azure resources". Where the code of a refusal is not documented, it is the
stand-in's.
"""

from __future__ import annotations

import re

from local_azure.arm.errors import ArmError
from local_azure.arm.ids import ResourceId
from local_azure.types import ResourceType

MOST_TAGS = 50
LONGEST_NAME = 512
LONGEST_VALUE = 256
RESERVED = ("microsoft", "azure", "windows")
"""Prefixes of tag names, in any case."""

_FORBIDDEN = re.compile(r"[<>%&\\?/\x00-\x1f\x7f-\x9f]")


def check_tags(tags: object) -> None:
    """Refuse tags that Azure refuses.

    Args:
        tags: The member of a body; what is no object is for the type to refuse.

    Raises:
        ArmError: 400.
    """
    if not isinstance(tags, dict):
        return
    if len(tags) > MOST_TAGS:
        raise _tag("TooManyTags", f"{len(tags)} tags; at most {MOST_TAGS}")
    seen: dict[str, str] = {}
    for name, value in tags.items():
        if not name.strip() or len(name) > LONGEST_NAME:
            raise _tag(
                "InvalidTagNameLength",
                f"the tag name '{name[:40]}' has {len(name)} characters; 1 to {LONGEST_NAME}",
            )
        if _FORBIDDEN.search(name):
            raise _tag(
                "InvalidTagNameCharacters",
                f"the tag names '{name}' have reserved characters '<,>,%,&,\\,?,/' or control "
                "characters",
            )
        if name.lower().startswith(RESERVED):
            raise _tag(
                "ReservedTagName",
                f"the tag name '{name}' begins with a reserved prefix: {', '.join(RESERVED)}",
            )
        if name.lower() in seen:
            raise _tag(
                "DuplicateTagName",
                f"the tag names '{seen[name.lower()]}' and '{name}' differ in case alone",
            )
        seen[name.lower()] = name
        if isinstance(value, str) and len(value) > LONGEST_VALUE:
            raise _tag(
                "InvalidTagValueLength",
                f"the value of the tag '{name}' has {len(value)} characters; at most "
                f"{LONGEST_VALUE}",
            )


def check_name(rid: ResourceId, kind: ResourceType) -> None:
    """Refuse a name that the type does not take.

    Raises:
        ArmError: 400.
    """
    rule = kind.name_rule
    if rule and not re.fullmatch(rule.pattern, rid.name):
        raise ArmError(
            400,
            rule.code,
            f"'{rid.name}' is no valid name for a resource of type '{kind.type}': {rule.words}.",
        )


def _tag(code: str, reason: str) -> ArmError:
    return ArmError(400, code, f"Invalid tags: {reason}.", "tags")
