"""What the organisation allows: the numbers and names that the rules compare with."""

from __future__ import annotations

from pathlib import Path

import pydantic
import yaml


class LimitsError(Exception):
    """The limits file cannot be used; the message says why in one line."""


class Limits(pydantic.BaseModel):
    """Bounds of the rules; a file replaces any of them.

    Attributes:
        locations: Short names of the allowed Azure regions.
        tags: Tags that every resource has to carry.
        cpu: Cores of one container group, 4 being what every region can place.
        memory_gb: Memory of one container group in GB.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    locations: frozenset[str] = frozenset({"westeurope", "northeurope"})
    tags: frozenset[str] = frozenset({"environment", "service"})
    cpu: float = pydantic.Field(default=4.0, gt=0)
    memory_gb: float = pydantic.Field(default=16.0, gt=0)


def load(path: Path) -> Limits:
    """Read limits from a YAML file with any of the keys of `Limits`.

    Raises:
        LimitsError: The file cannot be read, is no YAML mapping, or has a wrong key or value.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Limits.model_validate(content or {})
    except (OSError, UnicodeDecodeError) as error:
        raise LimitsError(f"cannot read the limits {path}: {error}") from error
    except yaml.YAMLError as error:
        where = " ".join(str(error).split())
        raise LimitsError(f"the limits {path} are not YAML: {where}") from error
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"])) or "the file"
        raise LimitsError(
            f"the limits {path}: {key}: {first['msg']}; allowed keys: "
            + ", ".join(Limits.model_fields)
        ) from error
