"""Reports as JSON has them."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

import pytest

from infra.disclosure.plain import plain


class Worst(enum.IntEnum):
    BAD = 1


@dataclass(frozen=True)
class One:
    name: str
    rest: Any = ()


@pytest.mark.parametrize(
    ("value", "json"),
    [
        (
            One("a", (One("b"), Worst.BAD)),
            {"name": "a", "rest": [{"name": "b", "rest": []}, "bad"]},
        ),
        ({1: [2.5, None, True]}, {"1": [2.5, None, True]}),
        ({"a": One("b")}, {"a": {"name": "b", "rest": []}}),
        ("text", "text"),
        (One, One),
    ],
)
def test_a_value_becomes_json(value: Any, json: Any) -> None:
    assert plain(value) == json
