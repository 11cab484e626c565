"""What the check finds: one property, or one whole resource, that is not as declared."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from infra import azure_facts


class Kind(enum.StrEnum):
    """How the actual differs from the declared."""

    CHANGED = "changed"
    MISSING = "missing"
    UNEXPECTED = "unexpected"
    UNRECORDED = "in no state"


class Severity(enum.IntEnum):
    """How soon somebody should look; higher is sooner."""

    MINOR = 1
    MAJOR = 2
    CRITICAL = 3


class Question(enum.StrEnum):
    """Which comparison found it."""

    CLOUD = "cloud against state"
    PROGRAM = "program against state"
    ENDPOINT = "endpoint against state"
    GROUP = "resource group against state"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One difference; every text may be shown, secrets are masked already.

    Attributes:
        question: Which comparison found it.
        resource: The resource's name in the program, or its name in Azure if no state knows it.
        type: The provider's type token, or Azure's type if no state knows it.
        path: The property, such as `containers[0].image`; empty for the resource as a whole.
        label: The name of the list element that the property belongs to, or empty.
        declared: What should be there.
        actual: What is there.
        kind: How they differ.
        severity: How soon somebody should look.
        reason: Why the severity is critical, or what else helps a reader; may be empty.
        id: The full ARM id of a resource that no state knows, or empty.
        urn: The URN of a resource that the state or the program knows, or empty.
        parent: With `UNRECORDED`, the URN of what the program puts it under, or empty.
        protected: With `UNRECORDED`, whether the program protects it.
        replaces: Whether what brings it back replaces the resource.
        undeclared: Whether nothing declares the property, so that an update may leave it as it is.
        default: With `undeclared`, `PATH=JSON` in Azure's names that sets it to its default, or
            empty.
        link: Where the resource is in Azure's portal, or empty.
    """

    question: Question
    resource: str
    type: str
    path: str = ""
    label: str = ""
    declared: str
    actual: str
    kind: Kind
    severity: Severity
    reason: str = ""
    id: str = ""
    urn: str = ""
    parent: str = ""
    protected: bool = False
    replaces: bool = False
    undeclared: bool = False
    default: str = ""
    link: str = ""

    @property
    def soft_deleted(self) -> bool:
        """Whether it was deleted and can be brought back, with what is in it."""
        gone = self.question is Question.CLOUD and self.kind is Kind.MISSING and not self.path
        return gone and self.type in azure_facts.RECOVERABLE_DAYS

    @property
    def order(self) -> tuple[int, str, str, str, str]:
        """The most severe first, then by name: the same findings have one order."""
        return (-self.severity, self.question, self.type, self.resource, self.path)
