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
        model: The name of the model that it is for; empty for whatever is deployed.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    about: str = ""
    rows: _Rows
    divisor: float = pydantic.Field(default=1, gt=0)
    answers: list[int | float | str]
    model: str = ""

    @pydantic.model_validator(mode="after")
    def _as_many(self) -> Sample:
        if len(self.rows) != len(self.answers):
            raise ValueError(f"{len(self.rows)} rows and {len(self.answers)} answers")
        return self

    def check(self, features: int | None) -> None:
        """Refuse to ask a model with rows that it does not take.

        Args:
            features: Values in a row of the model; None if that is not known.

        Raises:
            DriftError: A row has more or fewer.
        """
        lengths = {len(row) for row in self.rows}
        if features is not None and lengths != {features}:
            given = " and ".join(map(str, sorted(lengths)))
            raise DriftError(
                f"the sample has rows of {given} values, the endpoint's model takes {features};"
                " name one that fits: --sample FILE"
            )

    @property
    def other(self) -> str:
        """Why it says nothing about another model, in words."""
        return f"the sample is for the model {self.model}; name one for this with --sample FILE"

    @property
    def scaled(self) -> list[list[float]]:
        """The rows as they are sent."""
        return [[value / self.divisor for value in row] for row in self.rows]


def of_stack(name: str, given: Path | None) -> Sample:
    """The sample for a stack.

    It is the given file, else the one that was committed for the stack beside the own one, as
    `sample.STACK.json`; either is for what is deployed, whatever it is called. Else it is the own
    one, which is for the model that it names.

    Raises:
        DriftError: It cannot be read, or is no sample.
    """
    committed = OWN.with_name(f"sample.{name.rpartition('/')[2]}.json")
    file = given or (committed if committed.is_file() else None)
    return read(OWN) if file is None else read(file).model_copy(update={"model": ""})


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
