"""The report of a review: everything in it may be shown to anybody who may see the repository."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from infra import azure_facts
from infra.disclosure import display
from infra.disclosure.mask import Mask
from infra.policy.limits import Limits
from infra.preview import changes
from infra.preview.paths import MISSING, Difference, differences
from infra.preview.plan import FRAME, Op, Plan, Step
from infra.review import azure, kubernetes, model
from infra.review.azure import Effect, Endpoint
from infra.review.causes import causes
from infra.review.digest import digest
from infra.review.judgement import Finding, judge, of_the_key
from infra.review.key_change import KeyChange, key_change
from infra.review.kubernetes import Around
from infra.review.manifests import Manifests
from infra.review.model import ModelChange, Side
from infra.review.obstacles import Obstacle, obstacles
from infra.review.resource_change import ResourceChange, Row


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
        offline: Whether only the policies were asked, without an identity.
        changes: What changes: the destructive first, then by name.
        unchanged: Names of what does not.
        models: What happens to the model.
        manifests_broken: Manifests that could not be read.
        findings: What the rules say: mandatory first, then by rule and resource.
        undecided: Rules that need values which only the update produces, the same way.
        strict: Whether a mandatory rule that is not decided stops the change, too.
        causes: What was changed, pieces of Markdown, the most important first.
        key: What happens to the key that callers must send.
        obstacles: Why the update cannot finish.
        unsettled: (resource, property) that is not known before the update, although what it comes
            from stays.
        run_url: The run of the workflow that made the review, or empty.
        outputs: Stack outputs that change.
        problems: What went wrong on the way.
    """

    stack: str
    failed: bool = False
    offline: bool = False
    changes: tuple[ResourceChange, ...] = ()
    unchanged: tuple[str, ...] = ()
    models: tuple[ModelChange, ...] = ()
    manifests_broken: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    undecided: tuple[Finding, ...] = ()
    strict: bool = False
    causes: tuple[str, ...] = ()
    key: KeyChange = KeyChange.NONE
    obstacles: tuple[Obstacle, ...] = ()
    unsettled: tuple[tuple[str, str], ...] = ()
    run_url: str = ""
    outputs: tuple[Row, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def endpoint(self) -> Endpoint:
        """The worst that happens to the scoring endpoint; one that is elsewhere then has moved."""
        if any(one.moves for one in self.models):
            return Endpoint.MOVES
        return max((one.endpoint for one in self.changes), default=Endpoint.UNTOUCHED)

    @property
    def mandatory(self) -> tuple[Finding, ...]:
        """The findings that stop the change."""
        return tuple(one for one in self.findings if one.mandatory)

    @property
    def open_questions(self) -> tuple[Finding, ...]:
        """The mandatory rules that are not decided."""
        return tuple(one for one in self.undecided if one.mandatory)

    @property
    def errors(self) -> tuple[str, ...]:
        """What failed, on one line each: the program's own words before Pulumi's frame of them."""
        said = [" ".join(one.message.split()) for one in self.problems if one.severity == "error"]
        return tuple(sorted(said, key=lambda one: FRAME in one))

    @property
    def refusal(self) -> str:
        """Why the change must not be made, in one line; empty if nothing stops it."""
        if self.obstacles:
            names = ", ".join(sorted({one.resource for one in self.obstacles}))
            verb = "start" if self.obstacles[0].first else "finish"
            return f"this update cannot {verb}; the report says why and what to do: {names}"
        if self.failed:
            return "the preview failed; the report shows its errors"
        if self.mandatory:
            rules = ", ".join(sorted({one.rule for one in self.mandatory}))
            return f"mandatory policies are violated: {rules}"
        if self.strict and self.open_questions:
            told = sorted({f"{one.rule} of {one.resource}" for one in self.open_questions})
            return f"mandatory policies are not decided (--strict): {', '.join(told)}"
        return ""

    @property
    def counts(self) -> dict[Op, int]:
        """How many resources by what Azure will do, without the unchanged."""
        counted = Counter(one.op for one in self.changes)
        return {op: counted[op] for op in Op if counted[op]}


_ORDER = {op: index for index, op in enumerate(Op)}


def build(
    stack: str,
    plan: Plan,
    manifests: Manifests,
    limits: Limits,
    mask: Mask,
    *,
    strict: bool = False,
    allow_open: bool = False,
    offline: bool = False,
    run_url: str = "",
    key: bytes = b"",
) -> Report:
    """The report of a plan; pure: the same arguments give an equal report.

    Args:
        stack: The stack's name.
        plan: What Pulumi plans.
        manifests: Of the models.
        limits: Of the policies.
        mask: What may not be shown.
        strict: Whether a mandatory rule that is not decided stops the change.
        allow_open: Whether an endpoint may lose its key.
        offline: Whether the plan is only what the program declares: nothing is known to change.
        run_url: The run of the workflow, or empty.
        key: What digests of the planned values are keyed with; empty for none.
    """
    steps = [step for step in plan.steps if step.custom]
    rest = kubernetes.around(steps)
    # Offline nothing is known to change.
    moving = [] if offline else [step for step in steps if step.op is not Op.SAME]
    changed = tuple(
        sorted(
            (_resource(step, rest, mask, key) for step in moving),
            key=lambda one: (_ORDER[one.op], one.type, one.name),
        )
    )
    compared = [] if offline else model.changes(plan, manifests)
    models = tuple(_model(one, mask) for one in compared)
    asked, group = key_change(changed)
    findings, undecided = judge(steps, limits, mask)
    of_key = tuple(of_the_key(asked, group, allowed=allow_open))
    return Report(
        stack=display.name(stack, mask),
        failed=plan.failed,
        offline=offline,
        changes=changed,
        unchanged=tuple(sorted(display.name(one.name, mask) for one in steps if one.op is Op.SAME)),
        models=models,
        manifests_broken=tuple(display.name(one, mask) for one in manifests.broken),
        findings=(*of_key, *findings),
        undecided=undecided,
        strict=strict,
        causes=tuple(causes(changed, models, asked, _unprotected(steps, mask))),
        key=asked,
        obstacles=tuple(
            replace(
                one, resource=display.name(one.resource, mask), name=display.key(one.name, mask)
            )
            for one in (*obstacles(plan), *kubernetes.obstacles(steps))
        ),
        unsettled=tuple(
            (display.name(step.name, mask), display.path(path, mask))
            for step in steps
            for path in sorted(step.unsettled, key=str)
        ),
        run_url=run_url,
        outputs=_outputs(plan, mask),
        problems=tuple(
            Problem(
                one.severity,
                display.name(one.urn.rpartition("::")[2], mask),
                mask.text(one.message),
            )
            for one in plan.diagnostics
        ),
    )


def _unprotected(steps: Sequence[Step], mask: Mask) -> list[str]:
    """What stays, and loses its protection."""
    return sorted(
        display.name(one.name, mask)
        for one in steps
        if one.old and one.new and one.old.protected and not one.new.protected
    )


def _resource(step: Step, rest: Around, mask: Mask, key: bytes) -> ResourceChange:
    found = changes.of(step)
    effect: Effect = (
        kubernetes.effect(step, found, rest)
        if kubernetes.speaks_of(step)
        else azure.effect(step, found)
    )
    return ResourceChange(
        name=display.name(step.name, mask),
        type=display.key(step.type.removeprefix("azure-native:"), mask),
        op=effect.op,
        planned=step.op,
        protected=bool(step.old and step.old.protected),
        endpoint=effect.endpoint,
        notes=effect.notes,
        rows=tuple(_row(step, one, one in effect.forced_by, mask) for one in found),
        lost=effect.lost,
        vanished=step.vanished,
        digest=digest(step, found, key) if key else "",
    )


def _row(step: Step, change: Difference, forces: bool, mask: Mask) -> Row:
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
