"""ARM reads paths without case; what comes after this middleware sees one spelling."""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.types import ASGIApp, Receive, Scope, Send

from local_azure import types
from local_azure.arm.errors import ArmError
from local_azure.arm.text import is_text

_WORDS = {
    word.lower(): word for word in ("subscriptions", "resourceGroups", "providers", "resources")
}

_DOUBLED = re.compile(r"(/providers/[^/]+)//", re.IGNORECASE)


@dataclass(frozen=True)
class CanonicalPaths:
    """ASGI middleware: rewrites the path of every request."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its path in canonical case."""
        if scope["type"] == "http":
            if not is_text(scope["path"]) or set("\r\n\t") & set(scope["path"]):
                refusal = ArmError(400, "InvalidRequestUri", "The path has control characters.")
                await refusal.response()(scope, receive, send)
                return
            scope = {**scope, "path": canonical(scope["path"])}
        await self.app(scope, receive, send)


def canonical(path: str) -> str:
    """The path with ARM's words, namespaces and types as Azure spells them; names stay.

    A segment is one of ARM's words by its place: every second one, from `subscriptions` on.
    """
    # azure-mgmt-resource's generic calls leave an empty segment after the namespace.
    segments = _DOUBLED.sub(r"\1/", path).split("/")
    start = next((i for i, part in enumerate(segments) if part.lower() == "subscriptions"), None)
    if start is None:
        return path
    index = start
    while index < len(segments):
        word = segments[index].lower()
        segments[index] = _WORDS.get(word, segments[index])
        if word == "providers":
            index = _spell_types(segments, index + 1)
        else:
            index += 2
    return "/".join(segments)


def _spell_types(segments: list[str], first: int) -> int:
    """Spell `Namespace/type/name[/child/name...]` from `first` on; returns where it ends."""
    namespace, index, levels = first, first + 1, []
    while index < len(segments) and segments[index].lower() != "providers":
        levels.append(segments[index])
        kind = types.find("/".join([segments[namespace], *levels]))
        if kind is not None:
            spelled = kind.type.split("/")
            segments[namespace], segments[index] = spelled[0], spelled[-1]
        index += 2
    return index
