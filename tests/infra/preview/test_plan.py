"""What a plan says where nothing is told, and why a preview failed, in one line."""

from __future__ import annotations

import pytest

from infra.preview.plan import Diagnostic, Op, Plan, State, Step

FRAME = "an unhandled error occurred: program exited with non-zero exit code: 1"
SAID = "configuration p:cpu is '99'; allowed: 1 to 4 cores"
STACK = "urn:pulumi:dev::p::pulumi:pulumi:Stack::p-dev"
GROUP = "urn:pulumi:dev::p::azure-native:containerinstance:ContainerGroup::scoring-group"


@pytest.mark.parametrize(
    ("diagnostics", "reason"),
    [
        ([(STACK, FRAME), (STACK, f"error: {SAID}")], SAID),
        ([("", FRAME), (STACK, SAID), (GROUP, "no\n login")], "no login"),
        ([("", SAID), (STACK, FRAME)], SAID),
        ([("", "no project"), (STACK, SAID)], SAID),
        ([("", FRAME)], FRAME),
        ([], ""),
    ],
)
def test_the_reason_is_what_a_provider_or_the_program_said_and_not_pulumis_frame_of_it(
    diagnostics: list[tuple[str, str]], reason: str
) -> None:
    said = [Diagnostic("error", urn, message) for urn, message in diagnostics]
    plan = Plan(diagnostics=(Diagnostic("warning", GROUP, "old"), *said))
    assert plan.reason == reason


def test_of_what_nothing_is_told_nothing_is_changed_secret_or_failed() -> None:
    """Every reader of events and of plans leaves out what it was not told."""
    assert State() == State(inputs={}, outputs={}, protected=False, parent="")
    assert Plan() == Plan((), {}, None, (), failed=False)
    step = Step(Op.SAME, "urn:pulumi:dev::p::a:b:C::the-name", "a:b:C")
    assert step.name == "the-name"
    assert vars(step) == {
        "op": Op.SAME,
        "urn": "urn:pulumi:dev::p::a:b:C::the-name",
        "type": "a:b:C",
        "old": None,
        "new": None,
        "custom": True,
        "kinds": {},
        **dict.fromkeys(("replace_keys", "changed_keys", "unsettled"), frozenset()),
        "vanished": False,
    }


def test_machines_are_told_an_operation_as_pulumi_names_it() -> None:
    assert {f"{one}" for one in Op} == {"delete", "replace", "update", "create", "same"}
