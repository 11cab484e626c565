"""Asks all questions of one stack and makes the report. Nothing is changed anywhere."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from infra import azure_facts
from infra.disclosure import allow_list
from infra.disclosure.mask import HIDDEN, Mask, environment_secrets
from infra.drift import (
    answers,
    assignments,
    baseline,
    comparison,
    endpoint,
    repair,
    scoring_group,
    unmanaged,
    unrecorded,
)
from infra.drift import stack as stacks
from infra.drift.arm import Arm
from infra.drift.baseline import Entry
from infra.drift.endpoint import Declared
from infra.drift.errors import DriftError
from infra.drift.finding import Finding, Kind, Question, Severity
from infra.drift.report import Report
from infra.drift.sample import Sample
from infra.drift.scoring_group import ActualGroup
from infra.drift.stack import Stack
from infra.preview import command, events
from infra.preview.errors import PreviewError
from infra.preview.plan import Plan
from infra.preview.secret_lists import open_lists

ANSWERED = "answered"
SCORING_KEY = "SCORING_KEY"
Say = Callable[[str], None]


@dataclass
class _Check:
    """What is known so far."""

    say: Say
    findings: list[Finding] = field(default_factory=list)
    asked: dict[Question, str] = field(default_factory=dict)
    mask: Mask = field(default_factory=lambda: Mask.of(environment_secrets()))
    stack: Stack | None = None

    def run(self, name: str, folder: Path, sample: Sample) -> None:
        """Ask everything, in the order of what each question costs.

        Raises:
            DriftError: A question could not be answered; the later ones were not asked.
        """
        self.say("reading the state")
        stack = self.stack = stacks.read(name, folder)
        with Arm() as arm:
            group = stack.scoring_group
            actual = scoring_group.read(arm, group) if group else None
            opened = stack.opened(actual.containers if actual else None)
            self.mask = Mask.of(opened.secrets | environment_secrets())
            self.say(Question.CLOUD)
            refreshed = stacks.refresh(stack)
            plan = open_lists(refreshed.plan, opened)
            self._note(Question.CLOUD, list(comparison.of_cloud(plan, self.mask)))
            self.say(Question.PROGRAM)
            program = self._program(name, folder)
            self._note(Question.PROGRAM, list(comparison.of_program(program, self.mask)))
            answered = list(answers.find(program, refreshed.answers, self.mask))
            self.findings = answers.merge(self.findings, answered)
            self.say(Question.GROUP)
            self._group(arm, stack, program)
        self.say(Question.ENDPOINT)
        self._endpoint(stack, actual, sample)
        if not stack.unchanged():
            raise DriftError(f"the stack {name} was updated while it was checked; check it again")

    def _note(self, question: Question, found: list[Finding], how: str = ANSWERED) -> None:
        self.findings += found
        self.asked[question] = how

    def _group(self, arm: Arm, stack: Stack, program: Plan) -> None:
        """Ask what lies in the group and in no state; what is declared of it is not missing."""
        groups = unrecorded.groups(stack, program)
        listed = [one for group in groups for one in arm.resources(group)]
        declared = dict(unrecorded.find(arm, stack, program, listed, self.mask))
        urns = {one.urn for one in declared.values()}
        self.findings = [
            one
            for one in self.findings
            if one.question is not Question.PROGRAM or one.urn not in urns
        ]
        known = [*(each.id for each in stack.resources), *declared]
        strays = unmanaged.find(listed, known, self.mask)
        rights = assignments.find(arm, groups, known, stack.workspace_principals, self.mask)
        self._note(Question.GROUP, [*declared.values(), *strays, *rights])

    def _program(self, name: str, folder: Path) -> Plan:
        try:
            told = command.run(name, folder)
            self.mask = Mask.of(self.mask.known | told.opened.secrets)
            plan = open_lists(events.read(told.events), told.opened)
        except PreviewError as error:
            raise DriftError(str(error)) from error
        if plan.failed:
            raise DriftError(f"`pulumi preview` failed: {stacks.reason(plan) or 'it did not end'}")
        return plan

    def _endpoint(self, stack: Stack, actual: ActualGroup | None, sample: Sample) -> None:
        """Ask the endpoint where the group really is."""
        uri, sha256 = (stack.outputs.get(name) for name in ("scoring_uri", "model_sha256"))
        if not (isinstance(uri, str) and isinstance(sha256, str)):
            self._note(Question.ENDPOINT, [], "no endpoint is declared")
            return
        if stack.scoring_group is None and any(
            one.type == azure_facts.CONTAINER_GROUP and one.kind is Kind.UNRECORDED
            for one in self.findings
        ):
            self._note(Question.ENDPOINT, [], "not asked: its container group is in no state")
            return
        if actual is None:
            self._note(Question.ENDPOINT, [], "not asked: its container group is missing")
            return
        if actual.state != "Running":
            self._note(
                Question.ENDPOINT,
                [endpoint.finding("state", "Running", actual.state or "(none)", Severity.CRITICAL)],
                "not asked: its container group does not run",
            )
            return
        place = urlsplit(uri)
        host = actual.host or str(place.hostname)
        if host != place.hostname:
            here = uri.replace(str(place.hostname), host, 1)
            shown = here if allow_list.URL(here, self.mask) else HIDDEN
            moved = endpoint.finding(
                "scoring_uri", uri, shown, Severity.MAJOR, "it has another address"
            )
            self._note(Question.ENDPOINT, [moved])
        declared = Declared(
            f"{place.scheme}://{host}:{place.port or 80}",
            sha256,
            stack.secure_variable(SCORING_KEY),
        )
        self._note(Question.ENDPOINT, list(endpoint.check(declared, sample, self.mask)))


def run(
    name: str,
    folder: Path,
    sample: Sample,
    entries: Sequence[Entry] = (),
    say: Say = lambda _: None,
    today: datetime.date | None = None,
) -> Report:
    """Check a stack; a check that broke says so in its report, with what it found until then.

    Args:
        name: The stack's name.
        folder: A folder of the Pulumi project.
        sample: What the endpoint is asked.
        entries: Accepted differences.
        say: Told what is being asked.
        today: The day that entries are held against; by default this one, in UTC.
    """
    check = _Check(say)
    broken = ""
    try:
        check.run(name, folder, sample)
    except DriftError as error:
        broken = check.mask.text(str(error))
    left, accepted, stale = baseline.apply(
        entries,
        sorted(check.findings, key=lambda one: one.order),
        today or datetime.datetime.now(datetime.UTC).date(),
        whole=not broken,
    )
    return Report(
        name,
        tuple(left),
        tuple(accepted),
        tuple(stale),
        check.asked,
        repair.of(check.stack, left) if check.stack and not broken else (),
        broken,
    )
