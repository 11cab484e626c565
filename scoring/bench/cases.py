"""Requests, and the labels that scikit-learn gives for exactly the values in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray

from scoring.bench import bodies, load
from scoring.bench.load import WrongAnswerError
from scoring.bench.servers import Running
from scoring.manifest import Manifest, verified_bytes


@dataclass(frozen=True)
class Case:
    """A request, and the labels that scikit-learn gives for exactly the values in it."""

    form: str
    rows: int
    request: bytes
    labels: list[int]

    def right_body(self, server: Running) -> bytes:
        """The body of a server's answer, once its labels are found to be right."""
        body = load.ask(server.port, self.request)
        given = bodies.labels(body, raw=self.form != "JSON")
        if given != self.labels:
            raise WrongAnswerError(
                f"{server.name} predicts {given[:10]} for {self.form} of {self.rows} rows,"
                f" not {self.labels[:10]}"
            )
        return body


@dataclass(frozen=True)
class Cases:
    """Makes cases of one model.

    Attributes:
        name: The model's.
        estimator: Answers as scikit-learn does.
        rows: (n, features), as UINT8 sends them; more are made of them where more are asked for.
        scale: What the other forms divide them by.
    """

    name: str
    estimator: Any
    rows: NDArray[Any]
    scale: float = 255.0

    @classmethod
    def read(cls, model: Path, images: Path) -> Cases:
        """Those of a model and its test images.

        Raises:
            ModelError: The model is not what its manifest declares.
            OSError: The images cannot be read.
            ValueError: They do not fit the model.
        """
        manifest = Manifest.read(model)
        verified_bytes(model, manifest)
        pixels = bodies.read_images(images, manifest.features)
        return cls(manifest.name, joblib.load(model / manifest.file), pixels)

    def case(self, form: str, rows: int, *headers: tuple[str, str]) -> Case:
        """The first rows in one form."""
        values = self._values(form, rows)
        if form == "JSON":
            request = bodies.score(values, *headers)
        else:
            request = bodies.binary(self.name, form, values, *headers)
        return Case(form, rows, request, self._labels(values))

    def tensor(self, rows: int, *headers: tuple[str, str]) -> Case:
        """The same rows as a V2 tensor in JSON."""
        values = self._values("JSON", rows)
        request = bodies.tensor(self.name, values, *headers)
        return Case("JSON", rows, request, self._labels(values))

    def _values(self, form: str, rows: int) -> NDArray[Any]:
        raw = np.resize(self.rows, (rows, self.rows.shape[1]))
        if form == "UINT8":
            return raw
        return (raw / self.scale).astype("<f4" if form == "FP32" else "<f8")

    def _labels(self, values: NDArray[Any]) -> list[int]:
        return self.estimator.predict(values.astype(np.float64)).tolist()
