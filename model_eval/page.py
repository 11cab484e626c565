"""The evidence as pages for people."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model_eval import mistakes, plots
from model_eval.dataset import Dataset
from model_eval.smoke import Result
from model_eval.validation import Measured
from pages import page

MOST = 24
"""Mistakes that are shown."""

VALIDATION = Path(__file__).with_name("validation.html.jinja")
SMOKE = Path(__file__).with_name("smoke.html.jinja")


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
    wrong = mistakes.most_confident(
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
    return page.render(VALIDATION, content, page.now())


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
    return page.render(SMOKE, content, page.now())
