"""What is told of Pulumi's output."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from journey.stack import MADE, REMEDY, REMEDY_AFTER_DELETES, Stack, counts, remedy
from journey.steps import JourneyError

OUTPUT = """Updating (local):
Outputs:
    scoring_uri: "http://127.0.0.1:5001/score"

Resources:
    + 2 created
    +-1 replaced
    12 unchanged
{after}Duration: 1s
"""


@pytest.mark.parametrize("after", ["\n", ""])
def test_a_duration_is_not_a_count(after: str):
    shown = counts(OUTPUT.format(after=after))
    assert shown == ["+ 2 created", "+-1 replaced", "12 unchanged"]


def test_errored_resources_are_counted_and_other_lines_are_not():
    assert counts("\nResources:\n    ~ 1 updated\n    1 errored\n    Duration: 2 s\n") == [
        "~ 1 updated",
        "1 errored",
    ]
    assert counts("error: no such stack\n") == []


def test_that_nothing_is_lost_is_said_only_where_nothing_was_deleted():
    assert remedy("Resources:\n    + 1 created\n    1 errored\n") == REMEDY
    assert remedy("Resources:\n    - 3 deleted\n    1 errored\n") == REMEDY_AFTER_DELETES
    assert remedy("Resources:\n    +-1 replaced\n") == REMEDY_AFTER_DELETES
    assert remedy(" -  Workspace deleted (1s)\n error: ...") == REMEDY_AFTER_DELETES


def test_a_passphrase_that_does_not_fit_is_told_with_its_remedy():
    assert "make down, then make up" in remedy("error: incorrect passphrase")


def stack(outputs: dict[str, Any]) -> Stack:
    anything: Any = SimpleNamespace(outputs=lambda: outputs)
    return Stack(anything, {}, anything)


def test_an_update_that_lost_an_output_is_told_with_its_remedy():
    outputs: dict[str, Any] = {}
    outputs |= dict.fromkeys(MADE, "known")
    assert stack(outputs).made() == outputs
    for lost in (outputs | {"login_server": None}, {}):
        with pytest.raises(JourneyError, match=r"no .*login_server.*: make down, then make up$"):
            stack(lost).made()
    with pytest.raises(JourneyError, match="made no scoring_uri:"):
        stack(outputs).made("scoring_uri")
