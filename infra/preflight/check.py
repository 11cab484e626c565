"""Asks everything, side by side, and keeps the order of the questions."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

from infra import azure_facts
from infra.arm.client import Arm
from infra.arm.errors import ArmError
from infra.disclosure.mask import Mask, environment_secrets
from infra.preflight import capacity, leftovers, model, names, planned, rights
from infra.preflight.line import Answer, Line, Status
from infra.preview import command

AT_ONCE = 6

Say = Callable[[str], None]


def run(
    stack: str, folder: Path, say: Say, *, registrar: str, report: Path, least: float
) -> list[Line]:
    """The lines; after a subscription that refuses there are no others.

    Args:
        stack: The stack's name.
        folder: A folder of the Pulumi project.
        say: Told what is being asked.
        registrar: The principal that registers models; empty to ask nothing of it.
        report: What the model's validation wrote.
        least: The gate, 0 to 1.

    Raises:
        ArmError: The login is refused, or the subscription cannot be read.
        PreviewError: There is no such stack, or nothing can be previewed.
    """
    say("configuration and login")
    config = planned.configured(stack, folder)
    known = config.values.get("azure-native:subscriptionId", os.environ.get("ARM_SUBSCRIPTION_ID"))
    with Arm() as arm:
        arm.caller()
        first = rights.subscription(arm, f"/subscriptions/{known}") if known else None
        if first and first.status is not Status.GOOD:
            return [Line("subscription", first)]
        say("what the update would make")
        # Resources that are gone are to be made again, as an update would.
        plan = command.whole(command.run(stack, folder, refresh=True).plan())
        made = planned.of(plan, config)
        first = first or rights.subscription(arm, made.subscription)
        lines = [Line("subscription", first)]
        if first.status is not Status.GOOD:
            return lines
        say("Azure")
        made = replace(made, left=leftovers.find(arm, made))
        cluster = azure_facts.MANAGED_CLUSTER in made.steps
        questions: dict[str, Callable[[], Answer]] = {
            "resource providers": partial(rights.providers, arm, made),
            "role assignments": partial(rights.role_assignments, arm, made),
            "who registers models": partial(rights.registrar, arm, made, registrar),
            "leftovers": partial(leftovers.answer, made),
            **{check: partial(ask, arm, made) for check, ask in names.checks().items()},
            "quota of cores": partial(capacity.cores, arm, made),
            **({"Kubernetes version": partial(capacity.kubernetes, arm, made)} if cluster else {}),
            "image": partial(model.image, made),
            "model gate": partial(model.gate, made, report, least),
        }
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return [*lines, *pool.map(_line, questions, questions.values())]


def _line(check: str, ask: Callable[[], Answer]) -> Line:
    try:
        return Line(check, ask())
    except ArmError as error:
        said = Mask.of(environment_secrets()).text(str(error))
        return Line(check, Answer(Status.UNANSWERED, said))
