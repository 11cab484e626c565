"""The tutorial's two figures. Matplotlib is imported here alone: it costs a third of a second."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.image import imsave

from scoring.manifest import Label

mpl.use("Agg")


def confusion(matrix: npt.NDArray[np.int64], classes: Sequence[Label], file: Path) -> None:
    """Draw where the model is wrong: rows in shares, without the diagonal, so that mistakes shine.

    Args:
        matrix: `(n, n)` counts, rows are true classes.
        classes: The tick labels.
        file: The PNG to write.
    """
    rows = matrix.sum(axis=1, keepdims=True)
    shares = np.divide(matrix, rows, out=np.zeros(matrix.shape), where=rows > 0)
    np.fill_diagonal(shares, 0)
    figure = Figure(figsize=(8, 5), layout="compressed")
    axes = figure.add_subplot()
    image = axes.matshow(shares, cmap="bone")
    axes.set_xticks(range(len(classes)), labels=[str(label) for label in classes])
    axes.set_yticks(range(len(classes)), labels=[str(label) for label in classes])
    axes.set_ylabel("true labels")
    axes.set_xlabel("predicted values")
    figure.colorbar(image)
    _save(figure, file)


def samples(
    images: npt.NDArray[np.float64],
    shape: tuple[int, int],
    truth: Sequence[Any],
    predicted: Sequence[Any],
    file: Path,
) -> None:
    """Draw the samples in one row, each under its prediction; a wrong one is red and inverted.

    Args:
        images: `(n, height * width)` in 0..1.
        shape: Height and width.
        truth: n true labels.
        predicted: n predictions.
        file: The PNG to write.
    """
    figure = Figure(figsize=(20, 1.4), layout="constrained")
    for index, (image, label, answer) in enumerate(zip(images, truth, predicted, strict=True)):
        wrong = label != answer
        axes = figure.add_subplot(1, len(images), index + 1)
        axes.set_axis_off()
        axes.set_title(str(answer), color="red" if wrong else "black", fontsize=18)
        axes.imshow(image.reshape(shape), cmap="gray" if wrong else "Greys", vmin=0, vmax=1)
    _save(figure, file)


def picture(row: npt.NDArray[np.float64], shape: tuple[int, int], *, inverted: bool) -> bytes:
    """One sample as a small PNG, a pixel a number; a wrong one is shown white on black.

    Args:
        row: `(height * width,)` in 0..1.
        shape: Height and width.
        inverted: Whether it is white on black.
    """
    file = io.BytesIO()
    colours = "gray" if inverted else "Greys"
    imsave(file, row.reshape(shape), cmap=colours, vmin=0, vmax=1, format="png")
    return file.getvalue()


def _save(figure: Figure, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    # Without the version in its metadata the same figure has the same bytes.
    figure.savefig(file, metadata={"Software": None})
