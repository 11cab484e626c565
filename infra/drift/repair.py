"""The commands that bring a stack back; they are printed, never run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from infra import azure_facts
from infra.drift.finding import Finding, Question
from infra.drift.stack import Stack

_PROVIDER = re.compile(r"/providers/([^/]+/.+)$", re.IGNORECASE)


def commands(stack: Stack, findings: Sequence[Finding]) -> tuple[str, ...]:
    """What to type, in this order; nothing if nothing is to be repaired.

    A resource in no state is taken into it first: the update then deletes what the program does not
    declare. An endpoint that is wrong although its group is as declared needs a new group.
    """
    if not findings:
        return ()
    name = shlex.quote(stack.name)
    lines = [_take_in(stack, one) for one in findings if one.question is Question.GROUP]
    group = stack.scoring_group
    wrong = any(one.question is Question.ENDPOINT for one in findings)
    explained = any(
        one.type == azure_facts.CONTAINER_GROUP
        for one in findings
        if one.question in {Question.CLOUD, Question.PROGRAM}
    )
    replace = f" --replace {shlex.quote(group.urn)}" if group and wrong and not explained else ""
    return (*lines, f"pulumi up --refresh{replace} --stack {name}")


def _take_in(stack: Stack, finding: Finding) -> str:
    known = {_azure_type(each.id): each.type for each in stack.resources}
    token = known.get(finding.type.casefold())
    if not finding.id:
        return f"# delete {finding.type} {shlex.quote(finding.resource)} by hand: its id is hidden"
    if token is None:
        return f"az resource delete --ids {shlex.quote(finding.id)}"
    return (
        f"pulumi import {token} {shlex.quote(finding.resource)} {shlex.quote(finding.id)}"
        f" --protect=false --generate-code=false --yes --stack {shlex.quote(stack.name)}"
    )


def _azure_type(resource_id: str) -> str:
    """`microsoft.storage/storageaccounts` of an ARM id, in lower case."""
    match = _PROVIDER.search(resource_id)
    if not match:
        return ""
    namespace, *rest = match[1].casefold().split("/")
    return "/".join([namespace, *rest[::2]])
