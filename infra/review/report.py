"""The report of a review: everything in it may be shown to anybody who may see the repository."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from infra import azure_facts
from infra.disclosure import display
from infra.disclosure.mask import Mask
from infra.policy.evaluate import Undecided, Violation, evaluate
from infra.policy.limits import Limits
from infra.policy.resource import Resource
from infra.preview import changes
from infra.preview.changes import Change
from infra.preview.paths import MISSING, differences
from infra.preview.plan import Op, Plan, Step
from infra.review import azure, model
from infra.review.azure import Effect, Endpoint
from infra.review.manifests import Manifests
from infra.review.model import ModelChange, Side


@dataclass(frozen=True)
class Row:
    """A property that changes, as it is shown.

    Attributes:
        path: Where, such as `containers[0].image`.
        label: The list element it belongs to, such as an environment variable's name, or empty.
        before: The value before, or what stands for it.
        after: The value after, the same way.
        forces: Whether it forces a replacement.
    """

    path: str
    label: str
    before: str
    after: str
    forces: bool = False


@dataclass(frozen=True)
class ResourceChange:
    """A resource that changes.

    Attributes:
        name: Its name in the program.
        type: Its type without the provider, such as `storage:StorageAccount`.
        op: What Azure will do.
        planned: What the provider says.
        protected: Whether Pulumi will refuse to delete it.
        endpoint: What it means for the scoring endpoint.
        notes: What a reviewer should know.
        rows: Its properties.
    """

    name: str
    type: str
    op: Op
    planned: Op
    protected: bool
    endpoint: Endpoint
    notes: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def destructive(self) -> bool:
        """Whether something that exists is deleted."""
        return self.op in {Op.DELETE, Op.REPLACE}

    @property
    def forced_by(self) -> tuple[Row, ...]:
        """The properties that force a replacement."""
        return tuple(row for row in self.rows if row.forces)


@dataclass(frozen=True)
class Finding:
    """What a rule says about a resource.

    Attributes:
        rule: The rule's name.
        description: What it asks for.
        mandatory: Whether it stops the change.
        resource: The resource's name.
        message: What is wrong.
    """

    rule: str
    description: str
    mandatory: bool
    resource: str
    message: str


@dataclass(frozen=True)
class Problem:
    """An error or a warning of Pulumi's or a provider's.

    Attributes:
        severity: `error` or `warning`.
        resource: The resource's name, or empty.
        message: What was said, secrets taken out.
    """

    severity: str
    resource: str
    message: str


@dataclass(frozen=True)
class Report:
    """A whole review.

    Attributes:
        stack: The stack's name.
        failed: Whether the preview did not come to its end.
        changes: What changes: the destructive first, then by name.
        unchanged: Names of what does not.
        models: What happens to the model.
        manifests_broken: Manifests that could not be read.
        findings: What the rules say: mandatory first, then by rule and resource.
        undecided: How many judgements have to wait for values that the update produces.
        outputs: Stack outputs that change.
        problems: What went wrong on the way.
    """

    stack: str
    failed: bool = False
    changes: tuple[ResourceChange, ...] = ()
    unchanged: tuple[str, ...] = ()
    models: tuple[ModelChange, ...] = ()
    manifests_broken: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    undecided: int = 0
    outputs: tuple[Row, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def endpoint(self) -> Endpoint:
        """The worst that happens to the scoring endpoint."""
        return max((one.endpoint for one in self.changes), default=Endpoint.UNTOUCHED)

    @property
    def mandatory(self) -> tuple[Finding, ...]:
        """The findings that stop the change."""
        return tuple(one for one in self.findings if one.mandatory)

    @property
    def counts(self) -> dict[Op, int]:
        """How many resources by what Azure will do, without the unchanged."""
        counted = Counter(one.op for one in self.changes)
        return {op: counted[op] for op in Op if counted[op]}


_ORDER = {op: index for index, op in enumerate(Op)}


def build(stack: str, plan: Plan, manifests: Manifests, limits: Limits, mask: Mask) -> Report:
    """The report of a plan; pure: the same arguments give an equal report."""
    steps = [step for step in plan.steps if step.custom]
    changed = [_resource(step, mask) for step in steps if step.op is not Op.SAME]
    findings, undecided = _judge(steps, limits, mask)
    return Report(
        stack=display.name(stack, mask),
        failed=plan.failed,
        changes=tuple(sorted(changed, key=lambda one: (_ORDER[one.op], one.type, one.name))),
        unchanged=tuple(sorted(display.name(one.name, mask) for one in steps if one.op is Op.SAME)),
        models=tuple(_model(one, mask) for one in model.changes(plan, manifests)),
        manifests_broken=tuple(display.name(one, mask) for one in manifests.broken),
        findings=findings,
        undecided=undecided,
        outputs=_outputs(plan, mask),
        problems=tuple(
            Problem(one.severity, _name(one.urn, mask), mask.text(one.message))
            for one in plan.diagnostics
        ),
    )


def _resource(step: Step, mask: Mask) -> ResourceChange:
    found = changes.of(step)
    effect: Effect = azure.effect(step, found)
    return ResourceChange(
        name=display.name(step.name, mask),
        type=display.key(step.type.removeprefix("azure-native:"), mask),
        op=effect.op,
        planned=step.op,
        protected=bool(step.old and step.old.protected),
        endpoint=effect.endpoint,
        notes=effect.notes,
        rows=tuple(_row(step, one, one in effect.forced_by, mask) for one in found),
    )


def _row(step: Step, change: Change, forces: bool, mask: Mask) -> Row:
    values = [
        display.property_value(step.type, change.path, change.label, value, mask)
        for value in (change.old, change.new)
    ]
    if change.path and values[0] == values[1] == display.NOTHING:
        # The provider says that it differs and the inputs do not tell how.
        values = [display.HIDDEN, display.HIDDEN]
    return Row(
        display.path(change.path, mask),
        display.key(change.label, mask),
        values[0],
        values[1],
        forces,
    )


def _model(change: ModelChange, mask: Mask) -> ModelChange:
    return replace(
        change,
        group=display.name(change.group, mask),
        old=change.old and _side(change.old, mask),
        new=change.new and _side(change.new, mask),
    )


def _side(side: Side, mask: Mask) -> Side:
    image, digest = ("containers", 0, "image"), ("tags", "modelSha256")
    token = azure_facts.CONTAINER_GROUP
    return replace(
        side,
        images=tuple(
            one and display.property_value(token, image, "", one, mask) for one in side.images
        ),
        sha256=side.sha256 and display.property_value(token, digest, "", side.sha256, mask),
        version=side.version and display.name(side.version, mask),
    )


def _judge(steps: list[Step], limits: Limits, mask: Mask) -> tuple[tuple[Finding, ...], int]:
    findings: list[Finding] = []
    undecided = 0
    for step in steps:
        if step.new is None:
            continue
        for one in evaluate(Resource(step.type, step.new.inputs, limits)):
            if isinstance(one, Undecided):
                undecided += 1
            else:
                findings.append(_finding(step, one, mask))
    order = sorted(findings, key=lambda one: (not one.mandatory, one.rule, one.resource))
    return tuple(order), undecided


def _finding(step: Step, violation: Violation, mask: Mask) -> Finding:
    return Finding(
        violation.rule.name,
        violation.rule.description,
        violation.mandatory,
        display.name(step.name, mask),
        mask.text(violation.message),
    )


def _outputs(plan: Plan, mask: Mask) -> tuple[Row, ...]:
    if plan.outputs_after is None or plan.failed:
        return ()
    return tuple(
        Row(
            display.path(one.path, mask),
            "",
            display.output_value(one.path, one.old, mask),
            display.output_value(one.path, one.new, mask),
        )
        for one in differences(plan.outputs_before or MISSING, plan.outputs_after)
        if one.path
    )


def _name(urn: str, mask: Mask) -> str:
    return display.name(urn.rsplit("::", 1)[-1], mask)
