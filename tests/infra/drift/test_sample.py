"""What the endpoint is asked, and which answers are right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.drift import sample
from infra.drift.errors import DriftError
from infra.drift.sample import Sample


def test_rows_are_sent_divided_and_by_default_as_they_are() -> None:
    assert Sample(rows=[[0, 255]], divisor=255, answers=[1]).scaled == [[0.0, 1.0]]
    assert Sample(rows=[[3]], answers=["a"]).scaled == [[3.0]]
    assert Sample(rows=[[3]], divisor=0.5, answers=["a"]).scaled == [[6.0]]


def test_a_sample_that_names_no_model_is_for_whatever_is_deployed() -> None:
    plain = Sample(rows=[[3]], answers=["a"])
    assert (plain.about, plain.model) == ("", "")


@pytest.mark.parametrize(("features", "good"), [(None, True), (2, True), (1, False), (3, False)])
def test_rows_fit_a_model_of_as_many_features(features: int | None, good: bool) -> None:
    asked = Sample(rows=[[1, 2], [3, 4]], answers=[0, 1])
    if good:
        asked.check(features)
    else:
        with pytest.raises(DriftError, match=f"rows of 2 values, .* takes {features}; name one"):
            asked.check(features)


def test_rows_of_two_lengths_fit_no_model() -> None:
    with pytest.raises(DriftError, match="rows of 1 and 2 values, the endpoint's model takes 2;"):
        Sample(rows=[[1, 2], [3]], answers=[0, 1]).check(2)


def test_a_sample_has_at_most_a_thousand_rows() -> None:
    assert len(Sample(rows=[[1]] * 1000, answers=[1] * 1000).rows) == 1000
    with pytest.raises(ValueError, match="at most 1000"):
        Sample(rows=[[1]] * 1001, answers=[1] * 1001)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DriftError, match=r"cannot read the sample .*none: No such file"):
        sample.read(tmp_path / "none")


def test_the_sample_of_a_stack_is_the_given_else_the_committed_else_the_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, committed, given = (tmp_path / f"sample{each}.json" for each in ("", ".dev", ".given"))
    for number, file in enumerate([own, committed, given]):
        file.write_text(json.dumps({"rows": [[number]], "answers": [0], "model": "m"}))
    monkeypatch.setattr(sample, "OWN", own)
    chosen = {
        "given": sample.of_stack("dev", given),
        "committed": sample.of_stack("org/project/dev", None),
        "own": sample.of_stack("prod", None),
    }
    assert {name: (one.rows[0][0], one.model) for name, one in chosen.items()} == {
        "given": (2, ""),
        "committed": (1, ""),
        "own": (0, "m"),
    }


def test_the_own_sample_is_what_the_committed_model_answers_right() -> None:
    """Not trivially: each answer is another class."""
    import joblib
    import numpy as np

    own = sample.read(sample.OWN)
    (file,) = Path("model_eval/models/sklearn_mnist/1").glob("*.pkl")
    predicted = joblib.load(file).predict(np.array(own.scaled))
    assert predicted.tolist() == own.answers == list(range(10))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{", "Invalid JSON"),
        ('{"rows": [], "answers": []}', "rows"),
        ('{"rows": [[1]], "answers": [1, 2]}', "1 rows and 2 answers"),
        ('{"rows": [["x"]], "answers": [1]}', "rows.0.0"),
        ('{"rows": [[1]], "answers": [1], "divisor": 0}', "divisor"),
        ('{"rows": [[1]], "answers": [1], "more": 0}', "more"),
    ],
)
def test_a_wrong_sample_is_named_with_the_place(text: str, named: str, tmp_path: Path) -> None:
    file = tmp_path / "sample.json"
    file.write_text(text)
    with pytest.raises(DriftError) as caught:
        sample.read(file)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)
