"""A validation's report, and whether it speaks of this model, this data and this gate."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_eval.errors import GateError
from scoring.manifest import Manifest, is_matrix

_REMEDY = "validate this model on this data first: python -m model_eval validate"


@dataclass(frozen=True)
class Evidence:
    """What `validate` measured, and what it is held against.

    Attributes:
        report: The report's content.
        data_md5: MD5 of each file of the test data that it has to be of.
        min_accuracy: The gate, 0 to 1.
    """

    report: Mapping[str, Any]
    data_md5: Mapping[str, str]
    min_accuracy: float

    @classmethod
    def read(cls, file: Path, data_md5: Mapping[str, str], min_accuracy: float) -> Evidence:
        """The report that `validate` wrote.

        Raises:
            GateError: There is none: the model has not passed the gate.
        """
        try:
            report = json.loads(file.read_text(encoding="utf-8-sig"))
        except (OSError, ValueError, RecursionError) as error:
            raise GateError(f"{file} is no report of a validation; {_REMEDY}") from error
        if not isinstance(report, dict):
            raise GateError(f"{file} is no report of a validation; {_REMEDY}")
        return cls(report, data_md5, min_accuracy)

    @property
    def accuracy(self) -> float:
        """Of the report's own matrix, whatever else it says; 0 to 1."""
        matrix = self._matrix
        return sum(row[index] for index, row in enumerate(matrix)) / self.rows

    @property
    def rows(self) -> int:
        """Test rows."""
        return sum(map(sum, self._matrix))

    def check(self, manifest: Manifest) -> None:
        """Hold it against a model.

        Raises:
            GateError: It is of another model or other data, it is no report, or the model is not
                good enough.
        """
        report = self.report
        model = report.get("model")
        if not isinstance(model, dict) or model.get("sha256") != manifest.sha256:
            raise GateError(
                f"the report is not of this model (sha256 {manifest.sha256}); {_REMEDY}"
            )
        if report.get("data_md5") != dict(self.data_md5):
            raise GateError(
                f"the report is not of this data ({_files(self.data_md5)}) but of"
                f" {_files(report.get('data_md5'))}; name the data with --data, or {_REMEDY}"
            )
        if not self._matrix or report.get("classes") != list(manifest.classes):
            raise GateError(f"the report has not this model's classes and counts; {_REMEDY}")
        if report.get("rows") != self.rows or report.get("accuracy") != self.accuracy:
            raise GateError(f"the report's accuracy is not that of its own counts; {_REMEDY}")
        if self.accuracy < self.min_accuracy:
            raise GateError(
                f"accuracy {self.accuracy:.4f} is below the gate of {self.min_accuracy:.4f}; not"
                " registered"
            )

    @property
    def _matrix(self) -> list[list[int]]:
        """Rows are true classes; empty where the report has no square of counts, or only zeros."""
        matrix: Any = self.report.get("confusion_matrix")
        return matrix if is_matrix(matrix) and any(map(any, matrix)) else []


def _files(md5: object) -> str:
    """Each file with the beginning of its digest, in one line."""
    if not isinstance(md5, Mapping) or not md5:
        return "unknown data"
    return ascii(", ".join(f"{name} {str(digest)[:8]}" for name, digest in sorted(md5.items())))[
        1:-1
    ][:200]
