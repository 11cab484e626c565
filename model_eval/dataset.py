"""Labelled test data: the MNIST test set, or anybody's npz or csv file."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from model_eval import mnist
from model_eval.digest import md5_of
from model_eval.errors import DataError
from scoring.manifest import Label

FEATURES = "X"
LABELS = "y"


@dataclass(frozen=True)
class Dataset:
    """Rows with their true labels.

    Attributes:
        features: `(rows, features)` float64.
        labels: `(rows,)` integers or strings.
        md5: MD5 of each file, unpacked.
    """

    features: npt.NDArray[np.float64]
    labels: npt.NDArray[Any]
    md5: Mapping[str, str]

    def __len__(self) -> int:
        """Rows."""
        return len(self.labels)

    def for_classes(self, classes: Sequence[Label]) -> Dataset:
        """The same with labels of the classes' type: a text file has only texts.

        A text that is none of the classes stays what it is.
        """
        types: set[type] = {type(each) for each in classes}
        kind = {frozenset({bool}): _boolean, frozenset({float}): float}.get(frozenset(types))
        if kind is None or self.labels.dtype.kind != "U":
            return self
        try:
            return replace(self, labels=np.array([kind(text) for text in self.labels.tolist()]))
        except (KeyError, ValueError):
            return self


def load(file: Path | None, say: Callable[[str], None]) -> Dataset:
    """The MNIST test set, or the data in a file.

    Args:
        file: An `.npz` with arrays `X` and `y`, or a `.csv` with a header and the label in the last
            column; None is MNIST.
        say: Told where MNIST comes from.

    Raises:
        DataError: The file is missing, of another kind or shape, or has numbers that are
            not finite.
    """
    if file is None:
        images, digits = mnist.test_set(say)
        return Dataset(images, digits, mnist.md5_of_set("t10k"))
    readers = {".npz": _from_npz, ".csv": _from_csv}
    if file.suffix not in readers:
        raise DataError(f"{file} is neither .npz nor .csv")
    try:
        content = file.read_bytes()
        features, labels = readers[file.suffix](file)
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}") from error
    if features.ndim != 2 or labels.shape != (len(features),) or len(features) == 0:
        raise DataError(
            f"{file}: features of shape {features.shape} and labels of shape {labels.shape}; "
            "needed are (rows, features) and (rows,)"
        )
    if not np.isfinite(features).all():
        row = int(np.flatnonzero(~np.isfinite(features).all(axis=1))[0])
        raise DataError(f"{file}: row {row} has a number that is not finite")
    return Dataset(features, labels, {file.name: md5_of(content)})


def md5_of_files(file: Path | None) -> dict[str, str]:
    """What `load` would give as `md5`, without reading rows.

    Raises:
        DataError: The file cannot be read.
    """
    if file is None:
        return mnist.md5_of_set("t10k")
    try:
        return {file.name: md5_of(file.read_bytes())}
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}") from error


def _from_npz(file: Path) -> tuple[npt.NDArray[np.float64], npt.NDArray[Any]]:
    try:
        # Object arrays are pickles: they are refused.
        with np.load(file, allow_pickle=False) as arrays:
            return arrays[FEATURES].astype(np.float64), arrays[LABELS]
    except KeyError as error:
        raise DataError(f"{file} has no array {error}; arrays X and y are needed") from error
    except (ValueError, zipfile.BadZipFile) as error:
        raise DataError(f"{file} is no usable npz file: {error}") from error


def _from_csv(file: Path) -> tuple[npt.NDArray[np.float64], npt.NDArray[Any]]:
    with file.open(newline="", encoding="utf-8") as lines:
        reader = csv.reader(lines)
        header = next(reader, None)
        if header is None or len(header) < 2:
            raise DataError(f"{file}: the first line must name at least one feature and the label")
        features: list[list[float]] = []
        labels: list[str] = []
        for row in reader:
            if len(row) != len(header):
                raise DataError(
                    f"{file}: line {reader.line_num} has {len(row)} values, {len(header)} expected"
                )
            try:
                features.append([float(value) for value in row[:-1]])
            except ValueError as error:
                raise DataError(f"{file}: line {reader.line_num}: {error}") from error
            labels.append(row[-1])
    return np.array(features, dtype=np.float64), _labels(labels)


def _labels(texts: Sequence[str]) -> npt.NDArray[Any]:
    """Integers if all of them are, else strings."""
    try:
        return np.array([int(text) for text in texts])
    except ValueError:
        return np.array(texts)


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]
