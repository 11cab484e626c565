"""What one journey deploys, and what the last one deployed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from journey.steps import JourneyError
from scoring.manifest import Manifest


@dataclass(frozen=True)
class Plan:
    """What one journey deploys.

    Attributes:
        source: The model directory that the journey begins with, absolute.
        registered: Whether it goes through the workspace's registry; else it is deployed as it is.
        data: Test data for the validation and the smoke test, absolute; None is the MNIST test set.
        min_accuracy: The gate, 0 to 1.
    """

    source: Path
    registered: bool
    data: Path | None
    min_accuracy: float

    def remember(self, file: Path) -> None:
        """Write it down for the next `make smoke`."""
        text = json.dumps(asdict(self), indent=2, default=str)
        file.write_text(text + "\n", encoding="utf-8")

    @classmethod
    def recall(cls, file: Path) -> Plan | None:
        """The plan of the last `up`; None where none was written, or what was cannot be read."""
        try:
            content = json.loads(file.read_bytes())
            return cls(
                Path(str(content["source"])),
                bool(content["registered"]),
                Path(str(content["data"])) if content["data"] else None,
                float(content["min_accuracy"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def check(self) -> None:
        """Find out early, before older results go, that the model or the test data is not there.

        Raises:
            ModelError: There is no such model.
            JourneyError: There is no such file.
        """
        Manifest.read(self.source)
        if self.data and not self.data.is_file():
            raise JourneyError(f"there is no test data at {self.data}; name it with --data FILE")
