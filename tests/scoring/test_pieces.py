"""A long body is read as json.loads reads it, cut anywhere; a fault is named by its place."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import simdjson
from hypothesis import given
from hypothesis import strategies as st

from scoring.errors import Rejection
from scoring.routes import json_exact, json_pieces, json_rows
from scoring.routes.json_cut import LIST, LONGEST_ENVELOPE, count, cut
from scoring.routes.json_exact import LONGEST
from scoring.routes.json_rows import RowReader
from scoring.routes.limits import Limits

FEATURES = 3
NUMBERS = st.one_of(
    st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False)
)
SPACE = st.text(" \t\n\r", max_size=3)


def row_reader(rows: int = 100, *methods: str) -> RowReader:
    limits = Limits(features=FEATURES, rows=rows, memory=1 << 30, answer=1 << 30, classes=1)
    return RowReader(limits, methods or ("predict",))


def read(text: str, max_rows: int = 100, piece: int = 1, grown: bool = False) -> np.ndarray:
    """The long way however short the text, with a cut after every row or so many bytes apart."""
    body: Any = text.encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_pieces, "_PIECE", piece)
        patch.setattr(json_rows, "LONGEST", -1)
        patch.setattr("scoring.routes.json_cut.LONGEST", -1)
        return row_reader(max_rows).read(bytearray(body) if grown else body)[0]


@st.composite
def plain_bodies(draw: st.DrawFn) -> tuple[str, list[list[float]]]:
    rows = draw(st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=1, max_size=8))

    def spaced(parts: list[str]) -> str:
        around = [f"{draw(SPACE)}{part}{draw(SPACE)}" for part in parts]
        return f"[{','.join(around)}]"

    data = spaced([spaced([json.dumps(value) for value in row]) for row in rows])
    return f'{draw(SPACE)}{{{draw(SPACE)}"data"{draw(SPACE)}:{draw(SPACE)}{data} }}', rows


@given(plain_bodies(), st.integers(1, 60), st.booleans())
def test_rows_of_numbers_are_read_whatever_is_between_them(
    body: tuple[str, Any], piece: int, grown: bool
):
    text, rows = body
    np.testing.assert_array_equal(
        read(text, piece=piece, grown=grown), np.array(rows, dtype=np.float64)
    )


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
    """Lists in lists, texts full of brackets, other keys: right, or refused."""
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
    if legal:
        np.testing.assert_array_equal(read(json.dumps(body)), np.array(rows, dtype=np.float64))
    else:
        with pytest.raises(Rejection):
            read(json.dumps(body))


@given(plain_bodies(), st.integers(1, 60), st.data())
def test_a_broken_text_is_never_read(body: tuple[str, Any], piece: int, data: st.DataObject):
    """Cut, doubled or changed anywhere: what json.loads refuses is not read."""
    text = body[0]
    place = data.draw(st.integers(0, len(text) - 1))
    broken = text[:place] + data.draw(st.text('[],{}"d1 -.e\f', max_size=3)) + text[place + 1 :]
    try:
        found = read(broken, piece=piece)
    except Rejection:
        return
    np.testing.assert_array_equal(found, np.array(json.loads(broken)["data"], dtype=np.float64))


def test_too_many_rows_are_left_to_the_limit():
    text = json.dumps({"data": [[1, 2, 3]] * 5})
    assert len(read(text, max_rows=5)) == 5
    with pytest.raises(Rejection, match="5 rows; at most 4"):
        read(text, max_rows=4)


def long_body(value: str, at: int = 54_321) -> bytes:
    rows = ["[0.25, 1, 2]"] * 60_000
    rows[at] = f"[0.25, {value}, 2]"
    body = f'{{"data": [{", ".join(rows)}]}}'.encode()
    assert len(body) > LONGEST
    return body


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("null", "bad_value"),
        ("[1]", "bad_value"),
        ('"]"', "bad_value"),
        ("{}", "bad_value"),
        ("1e999", "not_finite"),
        ("1" + "0" * 400, "not_finite"),
        ("NaN", "not_finite"),
        ("np.float64(0.0)", "not_json"),
    ],
)
def test_a_fault_in_a_late_piece_is_named_by_its_place(value: str, code: str):
    body = long_body(value)
    with pytest.raises(Rejection) as refused:
        row_reader(100_000).read(body)
    assert refused.value.code == code
    named = refused.value.message
    if code == "not_json":
        assert f"byte {body.index(b'np.')}" in named
        assert "tolist()" in named
    elif value != "NaN":
        assert "row 54321, value 1" in named


def test_a_few_integers_beyond_64_bits_are_read_in_a_long_body_and_many_are_named():
    found, _ = row_reader(100_000).read(long_body(str(2**64)))
    assert found[54_321, 1] == 2.0**64
    body = long_body("1").replace(b"[0.25, 1, 2]", b"[0.25, 18446744073709551616, 2]")
    with pytest.raises(Rejection, match="integers beyond 64 bits") as refused:
        RowReader(
            Limits(features=3, rows=1_000_000, memory=1 << 30, answer=1 << 30, classes=1),
            ("predict",),
        ).read(body.replace(b"]}", b", " + body[10:-2] + b"]}"))
    assert refused.value.code == "too_many_long_integers"


def test_a_fault_is_not_looked_for_through_any_number_of_long_integers(monkeypatch):
    """Python's parser takes a second for so long a list; it is asked for some pieces of it."""
    calls = []
    parse = json_exact.parse
    monkeypatch.setattr(json_exact, "parse", lambda text: calls.append(text) or parse(text))
    row = b"[0.25, 18446744073709551616, 2],"
    with pytest.raises(Rejection, match=r"does not end|not JSON"):
        row_reader(1_000_000).read(b'{"data": [' + row * 200_000)
    assert 0 < len(calls) < 40


@pytest.mark.parametrize("after", ["]}", ""], ids=["whole", "cut off"])
def test_a_row_of_many_bytes_is_refused_before_it_is_read(after: str):
    longest = json_pieces._LONGEST_VALUE
    row = f"[0.25, 1, {' ' * (longest + json_pieces._PIECE)}2]"
    body = f'{{"data": [{", ".join([row, row])}{after}'.encode()
    with pytest.raises(Rejection, match=f"a row of more than {longest} bytes after byte 10"):
        row_reader(2).read(body)


@pytest.mark.parametrize(
    ("ending", "message"),
    [
        (b"]", "not JSON.* at byte 840009"),
        (b"]}}", "not JSON: Extra data at byte 840010"),
        (b']}"', "not JSON: Extra data at byte 840010"),
        (b'], "method": "fit"}', '"method" is "fit"'),
        (b'], "method": "predict"', "not JSON.* at byte 840030"),
        (b'], "columns": [1]}', "to_dict"),
        (b'], "data": [[1, 2, 3]]}', "same key twice"),
        (b"]" + b" " * LONGEST_ENVELOPE + b"}", "does not end"),
        (b'], "method": "' + b"x" * LONGEST_ENVELOPE + b'"}', "follow the list"),
    ],
)
def test_what_is_wrong_around_a_long_list_is_named(ending: bytes, message: str):
    body = long_body("1")[:-2] + ending
    with pytest.raises(Rejection, match=message):
        row_reader(100_000).read(body)


def test_a_large_body_may_have_its_method_before_or_after_its_rows():
    rows = [[0.5, 1.0, 2.0]] * 30_000
    for body in (
        {"data": rows, "method": "predict_proba"},
        {"method": "predict_proba", "data": rows},
    ):
        text = json.dumps(body).encode()
        assert len(text) > LONGEST
        found, method = row_reader(100_000, "predict", "predict_proba").read(text)
        assert method == "predict_proba"
        np.testing.assert_array_equal(found, rows)


@given(
    st.dictionaries(st.text('"data:[]\\{ 1', max_size=9), VALUES | st.text('"data:[]\\{ 1')),
    st.lists(NUMBERS, min_size=1, max_size=5),
)
def test_what_is_cut_out_is_a_list_of_numbers_and_the_rest_is_the_rest(
    around: dict[str, Any], numbers: list[float]
):
    """Whatever stands in texts before it: the list, nothing, or a fault; never another list."""
    around.pop("data", None)
    body = json.dumps({**around, "data": numbers}).encode()
    found = cut(body)
    if found is not None and found.fault is None and found.envelope.get("data") == LIST:
        assert json.loads(b"[" + body[found.start : found.end] + b"]") == numbers
        assert found.envelope == {**around, "data": LIST}


def test_simdjson_counts_wrongly_beyond_what_a_piece_can_have():
    """Why no long list is ever given to it whole: its counter has 24 bits."""
    document: Any = simdjson.Parser().parse(b"[" + b"0," * (1 << 24) + b"0]")
    assert len(document) == (1 << 24) - 1
    longest_piece = json_pieces._PIECE + json_pieces._LONGEST_VALUE
    assert longest_piece < 2 * len(document)


@pytest.mark.parametrize("brackets", [0, 1, 2047, 2048, 2049, 300_000])
def test_brackets_are_counted_from_one_place_to_another(brackets: int):
    body = b"[ [" + b"[1" * brackets + b"[["
    assert count(bytearray(body), b"[", 3, len(body) - 2) == brackets
