"""What Azure takes as tags, checked before anything is touched: a refused tag stops an update."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from infra.azure_facts import (
    STORAGE_TAG_NAME_MOST,
    TAG_FORBIDDEN,
    TAG_NAME_MOST,
    TAG_RESERVED_PREFIXES,
    TAG_VALUE_MOST,
    TAGS_MOST,
)

RESERVED = frozenset({"data", "method", "modelSha256", "modelVersion"})
"""What the program sets itself."""

MOST = TAGS_MOST - len(RESERVED)
"""How many tags are left for a stack's own."""


def problems(tags: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is wrong with tags: (what is allowed, what to do), a pair for each fault.

    Every resource gets all of them, so that the strictest type decides: storage accounts.
    """
    if len(tags) > MOST:
        yield f"at most {MOST} tags", f"remove {len(tags) - MOST} of {len(tags)}"
    seen: dict[str, str] = {name.casefold(): name for name in RESERVED}
    for name, value in tags.items():
        place = _path(name)
        rest = f"remove it with: pulumi config rm --path {place}"
        if len(place) > TAG_NAME_MOST:
            rest = "remove it from the stack's file"
        if name in RESERVED:
            yield f"names other than {', '.join(sorted(RESERVED))}, which the program sets", rest
        elif (other := seen.get(name.casefold())) is not None:
            yield f"names that differ in more than case: {name} and {other} are one to Azure", rest
        seen.setdefault(name.casefold(), name)
        if not 1 <= len(name) <= STORAGE_TAG_NAME_MOST:
            yield f"names of 1 to {STORAGE_TAG_NAME_MOST} characters", rest
        if bad := sorted(TAG_FORBIDDEN & set(name)) or [c for c in name if not c.isprintable()]:
            shown = " ".join(each if each.isprintable() else repr(each) for each in bad)
            yield f"names without {shown}", rest
        if name.casefold().startswith(TAG_RESERVED_PREFIXES):
            yield f"names that do not begin with {', '.join(TAG_RESERVED_PREFIXES)}", rest
        if not isinstance(value, str):
            text = shlex.quote(json.dumps(value))
            yield (
                "strings as values",
                f"write it as one: pulumi config set --path --type string -- {place} {text}",
            )
        elif len(value) > TAG_VALUE_MOST:
            yield f"values of up to {TAG_VALUE_MOST} characters", rest


def _path(name: str) -> str:
    """A tag's place as a shell's word; a name with a dot has to be quoted in a path."""
    escaped = name.replace('"', '\\"')
    return shlex.quote(f'tags["{escaped}"]')
