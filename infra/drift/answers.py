"""What Azure answers, held against what is declared, else against the known default.

Pulumi compares with its state. A refresh that writes takes an opening made by hand into the state,
and an update leaves alone what it does not declare: from then on cloud, state and program agree,
and the resource is still open. This comparison does not ask the state.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from infra.disclosure.mask import Mask
from infra.drift import azure_defaults, comparison, false_drift
from infra.drift.finding import Finding, Kind, Question, Severity
from infra.preview import paths
from infra.preview.paths import MISSING, Difference, Path, pattern
from infra.preview.plan import Plan, Step
from infra.preview.untold import SECRET, UNKNOWN

OPEN = "lets more people in, and nothing declares it: an update leaves it open"
SET = "nothing declares it, and it is not Azure's default: an update may leave it"


def find(program: Plan, answers: Mapping[str, Mapping[str, Any]], mask: Mask) -> Iterator[Finding]:
    """Yield each property that is neither as declared nor, undeclared, as Azure's default.

    Args:
        program: The preview of the program, with what does not change, too.
        answers: By URN, what Azure answers in the provider's names.
        mask: What may not be shown.
    """
    for step in program.steps:
        if not step.custom or step.new is None or step.urn not in answers:
            continue
        for one in differences(step.type, step.new.inputs, answers[step.urn]):
            yield _finding(step, step.new.inputs, one, mask)


def merge(found: Sequence[Finding], answered: Sequence[Finding]) -> list[Finding]:
    """Both, with nothing said twice.

    Of what is declared, the comparisons with the state say more; of what is not, these do: an
    update would not bring it back.
    """
    undeclared = {(one.urn, one.path) for one in answered if one.undeclared}
    kept = [one for one in found if (one.urn, one.path) not in undeclared]
    told = {(one.urn, one.path) for one in kept}
    return [*kept, *(one for one in answered if (one.urn, one.path) not in told)]


def differences(
    kind: str, declared: Mapping[str, Any], answered: Mapping[str, Any]
) -> list[Difference]:
    """How the answer of one resource differs; `old` is declared, else the known default.

    Only properties that the tables of `azure_defaults` name are held so: the rest of an answer has
    other names and forms than what was declared, and the comparison with the state is exact.
    """
    found = (
        _decided(kind, each)
        for each in paths.differences(declared, answered)
        if each.new is not MISSING and not _veiled(declared, each.path)
    )
    return false_drift.without(kind, [each for each in found if each is not None])


def _decided(kind: str, one: Difference) -> Difference | None:
    text = pattern(one.path)
    known = azure_defaults.known(kind, text)
    if one.old is MISSING and known is not MISSING:
        one = replace(one, old=known)
    elif one.old is MISSING:
        named = azure_defaults.opens(kind, text, one.new)
        return one if named or azure_defaults.is_left_empty(kind, text) else None
    elif known is MISSING and text not in azure_defaults.OPENINGS.get(kind, {}):
        return None
    return None if _same(one.old, one.new) else one


def _same(one: Any, other: Any) -> bool:
    """Azure compares words without regard to case; 1 and 1.0 are one number, True is none."""
    if isinstance(one, str) and isinstance(other, str):
        return one.casefold() == other.casefold()
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _veiled(declared: Mapping[str, Any], path: Path) -> bool:
    """Whether the declared side cannot be seen at a path, or at what leads to it."""
    return any(
        paths.at(declared, path[:length]) in (SECRET, UNKNOWN) for length, _ in enumerate(path, 1)
    )


def _finding(step: Step, inputs: Mapping[str, Any], one: Difference, mask: Mask) -> Finding:
    found = comparison.of_property(step, Question.CLOUD, inputs, one, mask)
    if paths.at(inputs, one.path) is not MISSING:
        return found
    return replace(
        found,
        kind=Kind.UNEXPECTED,
        reason=OPEN if found.severity is Severity.CRITICAL else SET,
        undeclared=True,
        default=azure_defaults.setting(step.type, pattern(one.path)),
    )
