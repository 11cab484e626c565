"""What is told of Pulumi's output."""

from __future__ import annotations

import pytest

from journey.stack import REMEDY, REMEDY_AFTER_DELETES, counts, remedy

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
