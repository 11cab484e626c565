"""The evidence as pages for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from model_eval import plots
from model_eval.dataset import Dataset
from model_eval.smoke import Result
from model_eval.validation import Measured
from pages import page
from scoring.manifest import Label

MOST = 24
"""Mistakes that are shown."""

VALIDATION = Path(__file__).with_name("validation.html.jinja")
SMOKE = Path(__file__).with_name("smoke.html.jinja")


@dataclass(frozen=True)
class Mistake:
    """A row with a wrong answer.

    Attributes:
        row: Its number in the test data, from 0.
        truth: The true label.
        predicted: The answer.
        confidence: The model's probability of its answer, 0 to 1; None of a model that gives none.
    """

    row: int
    truth: Label
    predicted: Label
    confidence: float | None


def most_confident(
    model: Any,
    data: Dataset,
    predicted: npt.NDArray[Any],
    classes: Sequence[Label],
    count: int,
) -> list[Mistake]:
    """At most `count` mistakes, the most confident first, then in the order of the data.

    Args:
        model: A fitted classifier; only `predict_proba` is asked, where it has one.
        data: The test data.
        predicted: `(rows,)` answers.
        classes: The labels in the order of the columns of `predict_proba`.
        count: How many.
    """
    rows = np.flatnonzero(predicted != data.labels)
    if not len(rows):
        return []
    sure: list[float | None] = [None] * len(rows)
    if callable(getattr(model, "predict_proba", None)):
        shares = np.asarray(model.predict_proba(data.features[rows]), dtype=float)
        column = {label: index for index, label in enumerate(classes)}
        sure = [float(shares[i, column[predicted[row].item()]]) for i, row in enumerate(rows)]
    found = [
        Mistake(int(row), data.labels[row].item(), predicted[row].item(), share)
        for row, share in zip(rows, sure, strict=True)
    ]
    return sorted(found, key=lambda one: (-(one.confidence or 0), one.row))[:count]


def validation(
    measured: Measured,
    report: Mapping[str, Any],
    data: Dataset,
    gate: float,
    plot: bytes,
    seconds: Mapping[str, float],
) -> str:
    """The page of a validation.

    Args:
        measured: The model and its answers.
        report: What `validation.report` made of them.
        data: The test data.
        gate: The least accuracy, 0 to 1.
        plot: The tutorial's figure as PNG.
        seconds: What took how long.
    """
    manifest = measured.manifest
    wrong = most_confident(
        measured.model,
        data.for_classes(manifest.classes),
        measured.predicted,
        manifest.classes,
        MOST,
    )
    shape = manifest.image
    content = {
        "report": report,
        "gate": gate,
        "plot": plot,
        "seconds": seconds,
        "size": measured.size,
        "wrong": report["rows"] - sum(row[i] for i, row in enumerate(report["confusion_matrix"])),
        "mistakes": [
            (one, plots.picture(data.features[one.row], shape, inverted=True) if shape else None)
            for one in wrong
        ],
    }
    return page.render(VALIDATION, content)


def smoke(result: Result, data: Dataset) -> str:
    """The page of a smoke test, of one that failed, too.

    Args:
        result: What was found.
        data: Where the samples come from.
    """
    shape = result.manifest.image
    samples = result.samples
    answers = samples.predicted or [None] * len(samples.truth)
    content = {
        "result": result,
        "right": sum(a == b for a, b in zip(samples.truth, answers, strict=True)),
        "samples": [
            (
                row,
                truth,
                answer,
                plots.picture(data.features[row], shape, inverted=truth != answer)
                if shape
                else None,
            )
            for row, truth, answer in zip(samples.indices, samples.truth, answers, strict=True)
        ],
    }
    return page.render(SMOKE, content)
