"""Asks all questions of one stack side by side and makes the report; nothing is changed."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from infra import azure_facts
from infra.arm.client import Arm
from infra.disclosure.mask import Mask, environment_secrets
from infra.drift import (
    actual,
    answers,
    baseline,
    by_hand,
    cloud,
    comparison,
    portal,
    repair,
    serving,
    strays,
    unrecorded,
)
from infra.drift import stack as stacks
from infra.drift.baseline import Entry
from infra.drift.cloud import Told
from infra.drift.errors import BREAKING, DriftError
from infra.drift.finding import Finding, Question
from infra.drift.report import Report
from infra.drift.sample import Sample
from infra.drift.serving import ANSWERED, Served
from infra.drift.stack import Stack
from infra.drift.strays import Lists
from infra.preview import command
from infra.preview.plan import Plan

AT_ONCE = 8
"""Questions at one time: two of Pulumi, the endpoint, the container group, and Azure's lists."""

Say = Callable[[str], None]
Result = TypeVar("Result")


@dataclass
class _Check:
    """What is known so far."""

    say: Say
    findings: list[Finding] = field(default_factory=list)
    asked: dict[Question, str] = field(default_factory=dict)
    mask: Mask = field(default_factory=lambda: Mask.of(environment_secrets()))
    stack: Stack | None = None
    endpoint: str = Report.endpoint
    broken: list[Exception] = field(default_factory=list)

    def run(self, name: str, folder: Path, sample: Sample) -> None:
        """Ask everything.

        Raises:
            BREAKING: A question could not be answered; what the others found is kept.
        """
        self.say("reading the state")
        stack = self.stack = stacks.read(name, folder)
        self.mask = Mask.of(stack.opened(None).secrets | environment_secrets())
        self.say("cloud, program, resource group and endpoint")
        with Arm() as arm, ThreadPoolExecutor(AT_ONCE) as pool:
            preview = pool.submit(command.run, name, folder, refresh=True, state=stack.state)
            group = pool.submit(actual.read, arm, stack, preview.result)
            served = pool.submit(serving.ask, stack, group.result, sample, self.mask)
            lists = Lists(arm, stack, pool)
            # In the order in which their errors say most.
            found = self._value(group.result)
            previewed = self._value(preview.result)
            if previewed:
                self.mask = Mask.of(self.mask.known | previewed.opened.secrets)
                opened = stack.opened(found.containers if found else None)
                told = self._value(lambda: cloud.part(previewed, opened))
                if told:
                    self._compared(told)
                    self._value(lambda: self._lists(arm, lists, stack, told.program))
            self._served(served.result())
        if self.broken:
            raise self.broken[0]
        if not stack.unchanged():
            raise DriftError(f"the stack {name} was updated while it was checked; check it again")

    def _compared(self, told: Told) -> None:
        self._note(Question.CLOUD, list(comparison.of_cloud(told.cloud, self.mask)))
        self._note(Question.PROGRAM, list(comparison.of_program(told.program, self.mask)))
        held = list(answers.find(told.program, told.answers, self.mask))
        self.findings = answers.merge(self.findings, held)
        self.findings += by_hand.find(told.program, told.answers, self.mask)

    def _value(self, result: Callable[[], Result]) -> Result | None:
        """A result; None if it broke the check."""
        try:
            return result()
        except BREAKING as error:
            self.broken.append(error)
            return None

    def _note(self, question: Question, found: list[Finding], how: str = ANSWERED) -> None:
        self.findings += found
        self.asked[question] = how

    def _lists(self, arm: Arm, lists: Lists, stack: Stack, plan: Plan) -> None:
        """What lies in the groups and in no state; what is declared of it is not missing."""
        groups = unrecorded.groups(stack, plan)
        listed = [one for group in groups for one in lists.resources(group)]
        declared = dict(unrecorded.find(arm, stack, plan, listed, self.mask))
        urns = {one.urn for one in declared.values()}
        self.findings = [
            one
            for one in self.findings
            if one.question is not Question.PROGRAM or one.urn not in urns
        ]
        known = [*(each.id for each in stack.resources), *declared]
        found = (
            *strays.resources(listed, known, self.mask),
            *strays.rights(lists, groups, known, stack.workspace_principals, self.mask),
            *strays.credentials(lists, stack.ids(azure_facts.IDENTITY), known, self.mask),
        )
        self._note(Question.GROUP, [*declared.values(), *found])

    def _served(self, served: Served) -> None:
        self.endpoint = served.now
        self._note(Question.ENDPOINT, list(served.findings), served.how)
        if served.broken:
            self.broken.append(served.broken)


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
    except BREAKING as error:
        broken = check.mask.text(str(error))
    found = sorted(check.findings, key=lambda one: one.order)
    left, accepted, stale = baseline.apply(
        entries,
        portal.linked(found, check.stack, check.mask) if check.stack else found,
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
        check.endpoint,
    )
