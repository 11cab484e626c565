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


class Cases:
    """Makes cases of one model and its test images."""

    def __init__(self, model: Path, images: Path) -> None:
        """Read the model and its images.

        Raises:
            ModelError: The model is not what its manifest declares.
            OSError: The images cannot be read.
            ValueError: They do not fit the model.
        """
        manifest = Manifest.read(model)
        verified_bytes(model, manifest)
        self.name = manifest.name
        self._estimator: Any = joblib.load(model / manifest.file)
        self._pixels = bodies.read_images(images, manifest.features)

    def case(self, form: str, rows: int, *headers: tuple[str, str]) -> Case:
        """The first rows in one form."""
        pixels: NDArray[np.uint8] = np.resize(self._pixels, (rows, self._pixels.shape[1]))
        if form == "JSON":
            request = bodies.score(pixels, *headers)
        else:
            request = bodies.binary(self.name, pixels, form, *headers)
        exact = bodies.values(pixels, form).astype(np.float64)
        return Case(form, rows, request, self._estimator.predict(exact).tolist())

    def tensor(self, rows: int, *headers: tuple[str, str]) -> Case:
        """The same rows as a V2 tensor in JSON."""
        plain = self.case("JSON", rows)
        pixels = np.resize(self._pixels, (rows, self._pixels.shape[1]))
        request = bodies.tensor(self.name, bodies.values(pixels, "JSON"), *headers)
        return Case("JSON", rows, request, plain.labels)
