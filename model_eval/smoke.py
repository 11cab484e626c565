"""Steps 11 and 12: does the deployed endpoint serve the expected model, and answer as it does?"""

from __future__ import annotations

import json
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from model_eval import estimator
from model_eval.dataset import Dataset
from model_eval.endpoint import Answer, Endpoint
from model_eval.errors import DataError, EndpointError
from scoring.manifest import Manifest
from scoring.output_folder import write_text


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: `failure` is empty when it was as it should be."""

    name: str
    seconds: float
    failure: str = ""


@dataclass(frozen=True)
class Samples:
    """The rows that were sent and what came back; lists of one length."""

    indices: list[int]
    truth: list[Any]
    local: list[Any]
    predicted: list[Any] = field(default_factory=list)


@dataclass(frozen=True)
class Result:
    """What a smoke test found.

    Attributes:
        uri: Where the requests went.
        manifest: The expected model.
        checks: In the order they were made; later ones are missing when the service did not answer.
        samples: The random rows.
        raw: The single row of the raw request.
    """

    uri: str
    manifest: Manifest
    checks: list[Check]
    samples: Samples
    raw: Samples

    @property
    def failures(self) -> list[str]:
        """One sentence a failed check."""
        return [f"{check.name}: {check.failure}" for check in self.checks if check.failure]

    def as_json(self) -> dict[str, Any]:
        """The result for machines."""
        return {
            "uri": self.uri,
            "passed": not self.failures,
            "model": {
                "name": self.manifest.name,
                "version": self.manifest.version,
                "sha256": self.manifest.sha256,
            },
            "checks": [
                {"name": check.name, "passed": not check.failure, "failure": check.failure}
                for check in self.checks
            ],
            "samples": {
                "indices": self.samples.indices,
                "truth": self.samples.truth,
                "predicted": self.samples.predicted,
            },
        }

    def write_junit(self, file: Path) -> None:
        """Write the checks as a JUnit report, a test case each."""
        suite = ET.Element(
            "testsuite",
            name="smoke",
            tests=str(len(self.checks)),
            failures=str(len(self.failures)),
            errors="0",
            time=f"{sum(check.seconds for check in self.checks):.3f}",
        )
        for check in self.checks:
            case = ET.SubElement(
                suite, "testcase", classname="smoke", name=check.name, time=f"{check.seconds:.3f}"
            )
            if check.failure:
                ET.SubElement(case, "failure", message=check.failure).text = check.failure
        head = '<?xml version="1.0" encoding="UTF-8"?>\n'
        write_text(file, head + ET.tostring(suite, encoding="unicode"))


@dataclass
class Smoke:
    """Smoke tests of one endpoint.

    Attributes:
        endpoint: The service.
        model_folder: The model that it should serve.
        data: Where the samples are drawn from.
        count: Rows in the one request.
        seed: Makes the draw repeatable; None draws anew.
    """

    endpoint: Endpoint
    model_folder: Path
    data: Dataset
    count: int = 30
    seed: int | None = None
    _checks: list[Check] = field(default_factory=list, init=False)

    def run(self) -> Result:
        """Make every check that can still be made.

        Raises:
            ModelError: The local model cannot be used.
            DataError: There are fewer rows than were asked for.
        """
        if not 1 <= self.count <= len(self.data):
            raise DataError(f"{self.count} samples were asked for; the data has {len(self.data)}")
        model, manifest = estimator.load(self.model_folder)
        labels = self.data.for_classes(manifest.classes).labels
        generator = np.random.default_rng(self.seed)
        drawn = generator.choice(len(self.data), size=self.count, replace=False).tolist()
        local = model.predict(self.data.features[drawn]).tolist()
        samples = Samples(drawn, labels[drawn].tolist(), local)
        one = Samples(drawn[:1], samples.truth[:1], local[:1])

        ready = self._check(
            "the endpoint is ready and serves the expected model",
            lambda: self._identity(manifest.sha256),
        )
        if ready:
            self._check(
                f"{self.count} rows in one request are answered as the local model does",
                lambda: self._compare(samples, manifest.sha256),
            )
            self._check(
                "one raw row is answered as the local model does",
                lambda: self._compare(one, manifest.sha256),
            )
        return Result(self.endpoint.uri, manifest, self._checks, samples, one)

    def raw_body(self, result: Result) -> str:
        """The JSON text of the raw request."""
        return json.dumps({"data": self.data.features[result.raw.indices].tolist()})

    def _identity(self, expected: str) -> None:
        served = self.endpoint.identity().get("sha256")
        if served != expected:
            raise EndpointError(f"it serves the model {served}, expected is {expected}")

    def _compare(self, samples: Samples, expected_sha256: str) -> None:
        answer: Answer = self.endpoint.predict(self.data.features[samples.indices].tolist())
        samples.predicted.extend(answer.predictions)
        if answer.model_sha256 != expected_sha256:
            raise EndpointError(
                f"the answer came from the model {answer.model_sha256}, "
                f"expected is {expected_sha256}"
            )
        for index, local, got in zip(
            samples.indices, samples.local, answer.predictions, strict=True
        ):
            if local != got:
                raise EndpointError(
                    f"row {index}: the endpoint predicts {got!r}, the local model {local!r}"
                )

    def _check(self, name: str, look: Callable[[], None]) -> bool:
        began = time.monotonic()
        failure = ""
        try:
            look()
        except EndpointError as error:
            failure = str(error)
        self._checks.append(Check(name, time.monotonic() - began, failure))
        return not failure
