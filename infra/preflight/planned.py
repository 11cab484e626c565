"""What the next update would make, as far as Azure can be asked about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra import azure_facts
from infra.image_reference import ImageReference
from infra.preview import engine
from infra.preview.plan import Op, Plan, Step


@dataclass(frozen=True)
class Configured:
    """The stack's configuration; what is secret in it is not read.

    Attributes:
        stack: The stack's name.
        values: By full key.
        project: The project, which begins the program's own keys.
    """

    stack: str
    values: Mapping[str, str]
    project: str

    def get(self, key: str, default: str = "") -> str:
        """A key of the program's."""
        return self.values.get(f"{self.project}:{key}", default)

    def set(self, key: str, value: str) -> str:
        """What sets a key."""
        return f"pulumi config set {key} {value} --stack {self.stack}"


@dataclass(frozen=True)
class Planned:
    """The preview of a stack.

    Attributes:
        config: Its configuration.
        subscription: The subscription's path.
        steps: By the provider's type: what happens to the first resource of it.
        left: By the provider's type: the id of what would be created although it is there.
    """

    config: Configured
    subscription: str
    steps: Mapping[str, Step] = field(repr=False)
    left: Mapping[str, str] = field(default_factory=dict)

    def new(self, kind: str) -> Mapping[str, Any]:
        """What is declared of a resource; empty where there is none."""
        step = self.steps.get(kind)
        return step.new.inputs if step and step.new else {}

    def is_there(self, kind: str) -> bool:
        """Whether the resource exists, as far as the stack knows."""
        step = self.steps.get(kind)
        return step is not None and step.op is not Op.CREATE and step.old is not None

    def claimed(self, kind: str, key: str) -> str:
        """The name that a resource has to get; empty where it holds it already."""
        if kind in self.left:
            return ""
        name = str(self.new(kind).get(key, ""))
        step = self.steps.get(kind)
        held = step.old.inputs.get(key) if step and step.old and self.is_there(kind) else None
        return "" if name == held else name

    @property
    def location(self) -> str:
        """The region."""
        return str(self.new(azure_facts.RESOURCE_GROUP).get("location", ""))

    @property
    def group(self) -> str:
        """The path of the resource group."""
        name = self.new(azure_facts.RESOURCE_GROUP).get("resourceGroupName", "")
        return f"{self.subscription}/resourceGroups/{name}"

    @property
    def image(self) -> ImageReference | None:
        """The image that is to run, if there is one."""
        return ImageReference.parse(self.config.get("image"))


def configured(stack: str, folder: Path) -> Configured:
    """Read a stack's configuration.

    Raises:
        PreviewError: There is no such stack, or no Pulumi.
    """
    found = engine.document(["config", "--json", "--stack", stack], folder)
    values = {key: each["value"] for key, each in found.items() if "value" in each}
    return Configured(stack, values, engine.project(folder))


def of(plan: Plan, config: Configured) -> Planned:
    """What a plan makes."""
    steps: dict[str, Step] = {}
    for step in plan.steps:
        if step.new:
            steps.setdefault(step.type, step)
    subscription = f"/subscriptions/{(plan.outputs_after or {}).get('subscription_id', '')}"
    return Planned(config, subscription, steps)
