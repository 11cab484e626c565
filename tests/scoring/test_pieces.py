"""Rows read piece by piece are those read at once; every other body is left to the whole way."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import simdjson
from hypothesis import given
from hypothesis import strategies as st

from scoring.errors import Rejection
from scoring.routes import json_pieces
from scoring.routes.json_pieces import read_in_pieces
from scoring.routes.json_rows import RowReader

FEATURES = 3
NUMBERS = st.one_of(
    st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False)
)
SPACE = st.text(" \t\n\r", max_size=3)


def read(text: str, max_rows: int = 100, piece: int = 1) -> np.ndarray | None:
    """With a cut after every row, or at least so many bytes apart."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_pieces, "_PIECE", piece)
        return read_in_pieces(simdjson.Parser(), text.encode(), FEATURES, max_rows)


@st.composite
def plain_bodies(draw: st.DrawFn) -> tuple[str, list[list[float]]]:
    rows = draw(st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=1, max_size=8))

    def spaced(parts: list[str]) -> str:
        around = [f"{draw(SPACE)}{part}{draw(SPACE)}" for part in parts]
        return f"[{','.join(around)}]"

    data = spaced([spaced([json.dumps(value) for value in row]) for row in rows])
    return f'{draw(SPACE)}{{{draw(SPACE)}"data"{draw(SPACE)}:{draw(SPACE)}{data} }}', rows


@given(plain_bodies(), st.integers(1, 60))
def test_rows_of_numbers_are_read_whatever_is_between_them(body: tuple[str, Any], piece: int):
    text, rows = body
    found = read(text, piece=piece)
    assert found is not None
    np.testing.assert_array_equal(found, np.array(rows, dtype=np.float64))


VALUES = st.recursive(
    st.one_of(NUMBERS, st.none(), st.booleans(), st.text('[],:"{}\\ 1', max_size=6)),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=8,
)
MOSTLY_ROWS = st.lists(
    st.one_of(st.lists(NUMBERS, min_size=3, max_size=3), st.lists(VALUES, max_size=4), VALUES),
    max_size=6,
)


@given(st.dictionaries(st.sampled_from(["data", "method", "]}"]), MOSTLY_ROWS, max_size=3))
def test_what_is_read_in_pieces_is_what_the_body_says(body: dict[str, Any]):
    """Lists in lists, texts full of brackets, other keys: right, or left alone."""
    found = read(json.dumps(body))
    rows = body.get("data")
    legal = (
        list(body) == ["data"]
        and rows
        and all(
            isinstance(row, list)
            and len(row) == FEATURES
            and all(type(value) in (int, float) for value in row)
            for row in rows
        )
    )
    assert (found is not None) == bool(legal)
    if found is not None:
        np.testing.assert_array_equal(found, np.array(rows, dtype=np.float64))


@given(plain_bodies(), st.data())
def test_a_broken_text_is_never_read(body: tuple[str, Any], data: st.DataObject):
    """Cut, doubled or changed anywhere: what json.loads refuses is not read."""
    text = body[0]
    place = data.draw(st.integers(0, len(text) - 1))
    broken = text[:place] + data.draw(st.text('[],{}"d1 -.e\f', max_size=3)) + text[place + 1 :]
    found = read(broken)
    if found is not None:
        rows = json.loads(broken)["data"]
        np.testing.assert_array_equal(found, np.array(rows, dtype=np.float64))


def test_too_many_rows_are_left_to_the_limit():
    text = json.dumps({"data": [[1, 2, 3]] * 5})
    assert read(text, max_rows=5) is not None
    assert read(text, max_rows=4) is None


@pytest.mark.parametrize(
    ("value", "code"),
    [("null", "bad_value"), ("[1]", "bad_value"), ('"]"', "bad_value"), ("1e999", "not_finite")],
)
def test_a_fault_in_a_late_piece_is_named_by_its_place(value: str, code: str):
    rows = ["[0.25, 1, 2]"] * 60_000
    rows[54_321] = f"[0.25, {value}, 2]"
    body = f'{{"data": [{", ".join(rows)}]}}'.encode()
    assert len(body) > json_pieces.LARGE
    with pytest.raises(Rejection, match="row 54321, value 1") as refused:
        RowReader(FEATURES, 100_000, ("predict",)).read(body)
    assert refused.value.code == code


def test_a_large_body_is_read_as_a_whole_where_it_has_other_keys():
    rows = [[0.5, 1.0, 2.0]] * 30_000
    reader = RowReader(FEATURES, 100_000, ("predict", "predict_proba"))
    for body in (
        {"data": rows, "method": "predict_proba"},
        {"method": "predict_proba", "data": rows},
    ):
        text = json.dumps(body).encode()
        assert len(text) > json_pieces.LARGE
        found, method = reader.read(text)
        assert method == "predict_proba"
        np.testing.assert_array_equal(found, rows)
