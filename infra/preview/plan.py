"""What Pulumi plans: resources before and after, whatever format told it."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.preview.paths import Path


class Op(enum.StrEnum):
    """What happens to a resource."""

    DELETE = "delete"
    REPLACE = "replace"
    UPDATE = "update"
    CREATE = "create"
    SAME = "same"


@dataclass(frozen=True)
class State:
    """A resource at one time.

    Attributes:
        inputs: Its inputs; `SECRET` and `UNKNOWN` stand for values that are secret or not known.
        outputs: Its outputs, the same way.
        protected: Whether Pulumi refuses to delete it.
        parent: The URN of what it belongs to, or empty.
    """

    inputs: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    protected: bool = False
    parent: str = ""


@dataclass(frozen=True)
class Step:
    """What is planned for one resource.

    Attributes:
        op: What the provider says will happen.
        urn: Its unique name in the stack.
        type: The provider's type token.
        old: Before; None for a new resource.
        new: After; None for a deleted one.
        custom: Whether a provider manages it; components only group others.
        kinds: The provider's kind of difference by property path: add, update, delete, each
            also as `...-replace`.
        replace_keys: Top-level properties that force a replacement.
        changed_keys: Top-level properties that differ.
        unsettled: Inputs that are not known before the update although what they come from stays:
            neither changed nor unchanged.
        vanished: Whether the state knows a resource that is to be made: it is gone from the cloud.
    """

    op: Op
    urn: str
    type: str
    old: State | None = None
    new: State | None = None
    custom: bool = True
    kinds: Mapping[str, str] = field(default_factory=dict)
    replace_keys: frozenset[str] = frozenset()
    changed_keys: frozenset[str] = frozenset()
    unsettled: frozenset[Path] = frozenset()
    vanished: bool = False

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self.urn.rsplit("::", 1)[-1]


_REFUSED = re.compile(
    r"\bAADSTS\d+|'Unauthorized'|\bStatus(?:Code)?[=:] ?401\b"
    r"|\b(?:Invalid|Expired)AuthenticationToken|\baz login\b"
    r"|\w+Credential(?:: | authentication failed)"
)
"""Microsoft Entra's codes, Azure Resource Manager's answers, and the clients' own words."""

_LONGEST = 200

FRAME = "program exited with non-zero exit code"
"""Pulumi says this beside whatever the program said."""


@dataclass(frozen=True)
class Diagnostic:
    """Something that Pulumi or a provider said.

    Attributes:
        severity: `error`, `warning` or `info`.
        urn: The resource it is about, or empty.
        message: What was said; not yet masked.
    """

    severity: str
    urn: str
    message: str


@dataclass(frozen=True)
class Plan:
    """A whole preview.

    Attributes:
        steps: One a resource, by URN; the stack itself is not among them.
        outputs_before: The stack's outputs as they are.
        outputs_after: As they will be; None where the format does not tell.
        diagnostics: What was said meanwhile.
        failed: Whether the preview did not come to its end.
    """

    steps: tuple[Step, ...] = ()
    outputs_before: Mapping[str, Any] = field(default_factory=dict)
    outputs_after: Mapping[str, Any] | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    failed: bool = False

    @property
    def reason(self) -> str:
        """Why it failed, in one line, not masked: first what a resource's provider says, then the
        program's own words, at last Pulumi's frame of them."""
        said = [one for one in self.diagnostics if one.severity == "error"]
        said.sort(key=lambda one: (FRAME in one.message, not one.urn, one.urn))
        return " ".join(said[0].message.removeprefix("error: ").split()) if said else ""

    @property
    def refused_login(self) -> str | None:
        """What Azure said where it refused the login, in one line; None where it did not."""
        for each in self.diagnostics:
            if each.severity == "error" and _REFUSED.search(each.message):
                line = " ".join(each.message.split())
                return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."
        return None
