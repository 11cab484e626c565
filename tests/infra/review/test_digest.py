"""A digest is equal where the same is planned with the same secrets, and only there."""

from __future__ import annotations

from typing import Any

import pytest

from infra.preview.paths import MISSING, Difference
from infra.preview.plan import Op, Step
from infra.preview.untold import SECRET, UNKNOWN
from infra.review.digest import digest, key_of

KEY = key_of(["open-sesame", "other"])
STEP = Step(Op.UPDATE, "urn::s", "t")
PATH = ("tags", 0, "a")
RECORDED = "da8052fa0cbff0eba389148c539de80ba291e826ba1edc628a401f7c1ef08bc2"


def of(old: Any = "a", new: Any = "b", *, step: Step = STEP, key: bytes = KEY, **more: Any) -> str:
    known: dict[str, Any] = {"path": PATH, "label": "", "forces": False, **more}
    return digest(step, [Difference(old=old, new=new, **known)], key)


def test_a_review_of_yesterday_can_be_compared_with_one_of_today() -> None:
    """The value is recorded: it is in files that `--json` wrote before."""
    assert of({"b": [SECRET, 1], "a": MISSING}, {"x": UNKNOWN}) == RECORDED


VALUES = [
    *("a", "1", "", 1, 1.5, True, False, None, MISSING, SECRET, UNKNOWN),
    *("MISSING", "SECRET", "UNKNOWN", [], {}, ["a"], [["a"]], [MISSING], [SECRET]),
    *({"a": 1}, {"a": "1"}, {"a": SECRET}, {"a": UNKNOWN}, {"a": ["b"]}, {"a": ["c"]}),
]


def test_every_value_before_and_after_has_its_own_digest() -> None:
    made = [*(of(new=value) for value in VALUES), *(of(old=value, new=0) for value in VALUES)]
    assert len({*made}) == 2 * len(VALUES)


@pytest.mark.parametrize(
    "other",
    [
        {"step": Step(Op.REPLACE, "urn::s", "t")},
        {"step": Step(Op.UPDATE, "urn::other", "t")},
        {"path": ("tags", 1, "a")},
        {"forces": True},
        {"key": key_of(["open-sesame"])},
        {"key": key_of([])},
    ],
)
def test_what_else_is_planned_gives_another_digest(other: dict[str, Any]) -> None:
    assert of(**other) != of()
    assert digest(STEP, [], KEY) != of()


def test_the_order_of_names_and_of_secrets_says_nothing() -> None:
    assert of({"a": 1, "b": 2}) == of({"b": 2, "a": 1})
    assert key_of(["open-sesame", "other"]) == key_of(["other", "open-sesame"])
    assert key_of(["open-sesameother"]) != KEY
