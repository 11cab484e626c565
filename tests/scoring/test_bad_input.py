"""The worst that is sent, to both protocols: always a 4xx in JSON that names the place."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

ROW = [0.5] * 784
SCORE, INFER = "/score", "/v2/models/sklearn_mnist/infer"


@pytest.fixture(scope="module")
def usual(start_for_module):
    """A service with its default limits."""
    return start_for_module(SCORING_LOG_REQUESTS="false")


def score(data: str, more: str = "") -> bytes:
    return f'{{"data": {data}{more}}}'.encode()


def infer(data: str, rows: int = 1, more: str = "", tensor: str = "", kind: str = "FP64") -> bytes:
    return (
        f'{{"inputs": [{{"name": "input", "datatype": "{kind}", "shape": [{rows}, 784],'
        f' "data": {data}{tensor}}}]{more}}}'
    ).encode()


def row(last: str) -> str:
    return "[" + "0.5, " * 783 + last + "]"


MILLION = "[" + "[]," * 999_999 + "[]]"
DEEP = "[" * 50_000 + "]" * 50_000
BAD: dict[str, tuple[str, bytes, str]] = {
    "nothing": (SCORE, b"", "line 1"),
    "nothing, V2": (INFER, b"", "line 1"),
    "empty data": (SCORE, score("[]"), "at least one row"),
    "empty data, V2": (INFER, infer("[]"), "784 numbers are expected"),
    "no rows, V2": (INFER, infer("[]", rows=0), "at least one row"),
    "ragged rows": (SCORE, score(f"[{row('1')}, [1, 2]]"), "row 1 has 2 values"),
    "ragged rows, V2": (INFER, infer(f"[{row('1')}, [1, 2]]", rows=2), "row 1"),
    "783 values": (SCORE, score("[[" + "1," * 782 + "1]]"), "row 0 has 783 values"),
    "783 values, V2": (INFER, infer("[" + "1," * 782 + "1]"), "783 entries"),
    "1e999": (SCORE, score(f"[{row('1e999')}]"), "row 0, value 783"),
    "1e999, V2": (INFER, infer(row("1e999")), "row 0, value 783"),
    "-1e999 as a nested row, V2": (INFER, infer(f"[{row('-1e999')}]"), "row 0, value 783"),
    "ten to the 400": (SCORE, score(f"[{row('1' + '0' * 400)}]"), "row 0, value 783"),
    "ten to the 400, V2": (INFER, infer(row("1" + "0" * 400)), "row 0, value 783"),
    "minus ten to the 400, V2": (INFER, infer(row("-1" + "0" * 400)), "row 0, value 783"),
    "a number of 5,000 digits": (SCORE, score(f"[{row('9' * 5000)}]"), "digits"),
    "a number of 5,000 digits, V2": (INFER, infer(row("9" * 5000)), "digits"),
    "1e39 as FP32": (INFER, infer(row("1e39"), kind="FP32"), "row 0, value 783"),
    "256 as UINT8": (INFER, infer("[" + "1," * 783 + "256]", kind="UINT8"), "row 0, value 783"),
    "a half as UINT8": (INFER, infer(row("1"), kind="UINT8"), "row 0, value 0"),
    "NaN": (SCORE, score(f"[{row('NaN')}]"), "NaN"),
    "NaN, V2": (INFER, infer(row("NaN")), "NaN"),
    "nested deeply": (SCORE, score(DEEP), "deeply"),
    "nested deeply, V2": (INFER, infer(DEEP), "deeply"),
    "nested deeply beside the inputs, V2": (INFER, infer(row("1"), more=f', "a": {DEEP}'), "deep"),
    "a text": (SCORE, score(f"[{row(json.dumps('1'))}]"), "row 0, value 783 is a text"),
    "a text, V2": (INFER, infer(row('"1"')), "row 0, value 783"),
    "null": (SCORE, score(f"[{row('null')}]"), "row 0, value 783 is null"),
    "null, V2": (INFER, infer(row("null")), "row 0, value 783"),
    "true, V2": (INFER, infer(row("true")), "row 0, value 783"),
    "a null row": (SCORE, score("[null]"), "row 0 is null"),
    "null for data, V2": (INFER, infer("null"), '"data"'),
    "UTF-16": (SCORE, score("[[1]]").decode().encode("utf-16"), "UTF-8"),
    "UTF-16, V2": (INFER, infer("[1]").decode().encode("utf-16"), "UTF-8"),
    "Latin-1": (SCORE, '{"data": [[1]], "ä": 1}'.encode("latin-1"), "byte 17"),
    "Latin-1, V2": (INFER, '{"ä": 1}'.encode("latin-1"), "byte 2"),
    "duplicate keys": (SCORE, score(f"[{row('1')}]", ', "data": [[1]]'), "twice"),
    "duplicate keys, V2": (INFER, infer(row("1"), more=', "inputs": []'), "twice"),
    "duplicate keys in the tensor, V2": (INFER, infer(row("1"), tensor=', "data": []'), "twice"),
    "half a surrogate as a method": (
        SCORE,
        score(f"[{row('1')}]", ', "method": "\\ud800"'),
        '"method"',
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_it_is_refused_with_the_place_and_the_next_good_one_answered(usual, estimator, name):
    path, body, words = BAD[name]
    answer = usual.client.post(path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400, answer.text
    error: Any = answer.json()["error"]
    message = error["message"] if path == SCORE else error
    assert words in message
    assert len(message) < 400
    assert "Traceback" not in message
    assert usual.score({"data": [ROW]}).json() == estimator.predict([ROW]).tolist()


def test_a_million_empty_rows_are_too_many(usual):
    """3 MB that would become a million objects."""
    for path, body in ((SCORE, score(MILLION)), (INFER, infer(MILLION, rows=1_000_000))):
        answer = usual.client.post(path, content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 413
        assert "1000000 rows; at most 20000" in answer.text


def test_an_unusual_number_is_a_number(usual, estimator):
    """Beyond 64 bits, in every form that JSON allows."""
    for text in (2**63, -(2**63) - 1, 2**64, 10**300, "-0", "1E+2", "0.1e-400", "1e308"):
        body = score(f"[{row(str(text))}]")
        expected = estimator.predict([[*ROW[1:], float(text)]]).tolist()
        answer = usual.client.post(
            SCORE, content=body, headers={"content-type": "application/json"}
        )
        assert answer.json() == expected, text
        answer = usual.client.post(
            INFER, content=infer(row(str(text))), headers={"content-type": "application/json"}
        )
        assert answer.json()["outputs"][0]["data"] == expected, text


def test_a_probability_that_does_not_exist_is_null(usual, estimator):
    """Values so large that scikit-learn subtracts infinity from infinity."""
    rows = [[1.7e308, -1.7e308] * 392, ROW]
    with np.errstate(all="ignore"):
        expected = estimator.predict_proba(rows)
    assert np.isnan(expected[0]).all()
    answer = usual.score({"data": rows, "method": "predict_proba"})
    assert answer.status_code == 200
    assert answer.json()[0] == [None] * 10
    assert answer.json()[1] == pytest.approx(expected[1].tolist())


def test_a_byte_order_mark_is_named(usual):
    for path, body in ((SCORE, score("[[1]]")), (INFER, infer("[1]"))):
        answer = usual.client.post(
            path, content=b"\xef\xbb\xbf" + body, headers={"content-type": "application/json"}
        )
        assert answer.status_code == 400
        assert "error" in answer.json()
