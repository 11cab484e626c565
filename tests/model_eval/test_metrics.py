"""The confusion matrix and what follows from it, held against scikit-learn's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    confusion_matrix,
    precision_recall_fscore_support,
)

from model_eval.metrics import evaluate


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60))
def test_the_metrics_are_scikit_learns(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = np.array(pairs).T
    found = evaluate(truth, predicted, list(range(5)))
    assert np.array_equal(found.matrix, confusion_matrix(truth, predicted, labels=range(5)))
    expected = np.array(
        precision_recall_fscore_support(truth, predicted, labels=range(5), zero_division=0)  # pyright: ignore[reportArgumentType]
    )
    measured = [(each.precision, each.recall, each.f1, each.rows) for each in found.per_class()]
    assert np.allclose(np.array(measured).T, expected)
    assert [each.label for each in found.per_class()] == list(range(5))
    assert found.classes == list(range(5))
    assert found.rows == len(pairs)
    assert found.accuracy == pytest.approx(accuracy_score(truth, predicted))


def test_classes_may_be_texts_in_any_order() -> None:
    truth, predicted = np.array(["b", "a", "b"]), np.array(["b", "b", "a"])
    found = evaluate(truth, predicted, ["b", "a"])
    assert str(found.matrix.tolist()) == "[[1, 1], [1, 0]]", "a report counts in whole rows"
    assert [(each.label, each.rows) for each in found.per_class()] == [("b", 2), ("a", 1)]


@pytest.mark.parametrize(
    ("truth", "predicted", "wrong"), [(["c"], ["a"], "c"), (["a"], ["c"], "c"), (["c"], ["d"], "c")]
)
def test_a_label_that_is_no_class_is_named(
    truth: list[str], predicted: list[str], wrong: str
) -> None:
    with pytest.raises(ValueError, match=f"^label '{wrong}' is not a class$"):
        evaluate(np.array(truth), np.array(predicted), ["a", "b"])


@pytest.mark.parametrize(("rows", "answers"), [(1, 2), (2, 1)])
def test_as_many_answers_as_rows_are_needed(rows: int, answers: int) -> None:
    with pytest.raises(ValueError, match="zip"):
        evaluate(np.zeros(rows), np.zeros(answers), [0])
