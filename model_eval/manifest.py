"""The manifest beside a model: what it is, which bytes it has and what made it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from model_eval.digest import sha256_of
from model_eval.errors import ModelError

FILE = "manifest.json"


class Part(BaseModel):
    """A part of the manifest: unknown keys are kept for whoever knows them."""

    model_config = ConfigDict(extra="allow", frozen=True)


class Input(Part):
    """What the model takes.

    Attributes:
        features: Numbers in a row.
        dtype: Their NumPy type.
        image: Height and width where a row is an image; only then are plots of samples drawn.
    """

    features: int = Field(ge=1)
    dtype: str = "float64"
    image: tuple[int, int] | None = None


class Training(Part):
    """What made the model.

    Attributes:
        parameters: The estimator's parameters that were set.
        rows: Training rows.
        data_md5: MD5 of each file of training data, unpacked.
    """

    parameters: dict[str, Any] = {}
    rows: int = Field(default=0, ge=0)
    data_md5: dict[str, str] = {}


class Metrics(Part):
    """How good the model is on its test set.

    Attributes:
        accuracy: Right answers by all answers, 0 to 1.
        rows: Test rows.
        data_md5: MD5 of each file of test data, unpacked.
        confusion_matrix: Rows are true classes, columns predicted ones, in the order of `classes`.
    """

    accuracy: float = Field(ge=0, le=1)
    rows: int = Field(ge=1)
    data_md5: dict[str, str] = {}
    confusion_matrix: list[list[int]]


class Manifest(Part):
    """A model's identity.

    Attributes:
        name: Its name in the registry.
        version: Its version in the registry.
        file: The pickle's file name, beside the manifest.
        sha256: The pickle's SHA-256: the identity that goes through registry, image and endpoint.
        size: The pickle's size in bytes.
        estimator: The estimator's class.
        framework: Versions of the packages that wrote the pickle.
        classes: What the model predicts, in the order of the confusion matrix.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$")
    version: str
    file: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size: int = Field(ge=1)
    estimator: str
    framework: dict[str, str]
    input: Input
    classes: list[int | str]
    training: Training = Training()
    metrics: Metrics | None = None

    def write(self, folder: Path) -> None:
        """Write it into a model directory."""
        text = json.dumps(self.model_dump(mode="json", exclude_none=True), indent=2)
        # A matrix is read by rows, not by one number a line.
        (folder / FILE).write_text(_rows_on_one_line(text) + "\n", encoding="utf-8")


def read(folder: Path) -> Manifest:
    """The manifest of a model directory, after checking that the pickle is the one it describes.

    Raises:
        ModelError: No manifest, a wrong one, no pickle, or a pickle of other bytes.
    """
    path = folder / FILE
    try:
        manifest = Manifest.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(
            f"{folder} is no model directory: {FILE} cannot be read ({error.strerror})"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise ModelError(f"{path} is wrong at {where}: {first['msg']}") from error
    pickle = folder / manifest.file
    if not pickle.is_file():
        raise ModelError(f"{pickle} is missing; {path} names it")
    found = sha256_of(pickle)
    if found != manifest.sha256:
        raise ModelError(
            f"{pickle} was altered: its sha256 is {found}, the manifest says {manifest.sha256}"
        )
    return manifest


def _rows_on_one_line(text: str) -> str:
    head, separator, rest = text.partition('"confusion_matrix": [')
    if not separator:
        return text
    body, end, tail = rest.partition("\n    ]")
    rows = json.loads(f"[{body}]")
    lines = ",\n      ".join(json.dumps(row) for row in rows)
    return f"{head}{separator}\n      {lines}{end}{tail}"
