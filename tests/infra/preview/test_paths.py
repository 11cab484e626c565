"""Paths are read and written as Pulumi writes them; differences are leaves, matched by name."""

from __future__ import annotations

from typing import Any

import pytest

from infra.preview import paths
from infra.preview.paths import MISSING, Difference

NAMED = [{"name": "a", "value": 1}, {"name": "b", "value": 2}]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a", ("a",)),
        ("a.b", ("a", "b")),
        ("a[0].b", ("a", 0, "b")),
        ("a[12]", ("a", 12)),
        ("a[*].b", ("a", "*", "b")),
        ('a["b.c"]', ("a", "b.c")),
        ('a["b\\"c\\\\d"]', ("a", 'b"c\\d')),
        ("_a.$b.c-d", ("_a", "$b", "c-d")),
        ('["0"]', ("0",)),
    ],
)
def test_a_path_is_read_and_written(text: str, path: paths.Path) -> None:
    assert paths.parse(text) == path
    if "*" not in path:
        assert paths.show(path) == text


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((), {"a": [1, {"b": 2}], "c": {"1": 3}}),
        (("a", 0), 1),
        (("a", 1, "b"), 2),
        (("c", "1"), 3),
        (("a", 2), MISSING),
        (("a", "b"), MISSING),
        (("a", 0, "b"), MISSING),
        (("b",), MISSING),
        (("b", "c"), MISSING),
    ],
)
def test_a_path_leads_to_its_value_or_to_what_is_missing(path: paths.Path, value: Any) -> None:
    assert paths.at({"a": [1, {"b": 2}], "c": {"1": 3}}, path) == value


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (1, 1.0, []),
        (1, True, [Difference((), 1, True)]),
        ("1", 1, [Difference((), "1", 1)]),
        (None, MISSING, [Difference((), None, MISSING)]),
        ({"b": 1, "a": 1}, {}, [Difference(("a",), 1, MISSING), Difference(("b",), 1, MISSING)]),
        ({}, MISSING, [Difference((), {}, MISSING)]),
        ({"a": {}}, {"a": {"b": 1}}, [Difference(("a", "b"), MISSING, 1)]),
        ([1, 2], [1], [Difference((1,), 2, MISSING)]),
        ([1], [1, 2], [Difference((1,), MISSING, 2)]),
        ([], MISSING, [Difference((), [], MISSING)]),
        ({"a": 1}, 2, [Difference(("a",), 1, MISSING), Difference((), MISSING, 2)]),
        (2, {"a": 1}, [Difference((), 2, MISSING), Difference(("a",), MISSING, 1)]),
        ([3], "x", [Difference((0,), 3, MISSING), Difference((), MISSING, "x")]),
        # By name, whatever the order; the index is the new one, or the old one of what is gone.
        (NAMED, NAMED[::-1], []),
        (
            NAMED,
            [NAMED[1] | {"value": 3}],
            [
                Difference((0, "value"), 2, 3, "b"),
                Difference((0, "name"), "a", MISSING, "a"),
                Difference((0, "value"), 1, MISSING, "a"),
            ],
        ),
        # Two of one name, or one without: by index.
        (
            [NAMED[0], NAMED[0]],
            [NAMED[0], NAMED[1]],
            [
                Difference((1, "name"), "a", "b", "b"),
                Difference((1, "value"), 1, 2, "b"),
            ],
        ),
        ([{"name": 1}], [{"name": 2}], [Difference((0, "name"), 1, 2)]),
        # The nearest name on the way.
        (
            [{"name": "a", "ports": [{"port": 1}]}],
            [{"name": "a", "ports": [{"port": 2}]}],
            [Difference((0, "ports", 0, "port"), 1, 2, "a")],
        ),
    ],
)
def test_every_leaf_that_differs_is_told_with_its_place(
    old: Any, new: Any, found: list[Difference]
) -> None:
    told = list(paths.differences(old, new))
    assert told == found
    # 1, 1.0 and True are equal to Python.
    assert [repr(one) for one in told] == [repr(one) for one in found]


def test_each_new_element_has_what_it_was_before() -> None:
    new = [{"name": "c"}, NAMED[0]]
    assert list(paths.pairs(NAMED, new)) == [(MISSING, new[0]), (NAMED[0], NAMED[0])]
    assert list(paths.pairs([1, 2], [3])) == [(1, 3)]


def test_what_is_missing_says_so() -> None:
    assert repr(MISSING) == "MISSING"
