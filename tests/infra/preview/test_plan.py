"""Why a preview failed, in one line."""

from __future__ import annotations

import pytest

from infra.preview.plan import Diagnostic, Plan

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
