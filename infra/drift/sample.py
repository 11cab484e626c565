"""The fixed sample that the endpoint is asked, and the answers that are right."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pydantic

from infra.drift.errors import DriftError

OWN = Path(__file__).with_name("sample.json")
"""Ten digits that any acceptable model of MNIST tells apart."""

_Rows = Annotated[list[list[float]], pydantic.Field(min_length=1, max_length=1000)]


class Sample(pydantic.BaseModel):
    """What is asked and what is right.

    Attributes:
        about: Where the rows come from.
        rows: One list of numbers a row.
        divisor: What every number is divided by before it is sent.
        answers: The right answer of each row.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    about: str = ""
    rows: _Rows
    divisor: float = pydantic.Field(default=1, gt=0)
    answers: list[int | float | str]

    @pydantic.model_validator(mode="after")
    def _as_many(self) -> Sample:
        if len(self.rows) != len(self.answers):
            raise ValueError(f"{len(self.rows)} rows and {len(self.answers)} answers")
        return self

    @property
    def scaled(self) -> list[list[float]]:
        """The rows as they are sent."""
        return [[value / self.divisor for value in row] for row in self.rows]


def read(path: Path) -> Sample:
    """The sample in a JSON file.

    Raises:
        DriftError: It cannot be read, or is no sample.
    """
    try:
        return Sample.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DriftError(f"cannot read the sample {path}: {error.strerror}") from error
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise DriftError(f"the sample {path}: {where}: {first['msg']}") from error
