"""Whether the last validation still speaks of what is to be deployed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from journey.plan import Plan
from model_eval.digest import sha256_of
from scoring.errors import ModelError
from scoring.manifest import Manifest

_MEASURED_WITH = ("scikit-learn", "numpy")


@dataclass(frozen=True)
class Evidence:
    """A validation's report and what it was made from.

    A report speaks for one model, one set of test data, one gate and the packages that computed
    it; for anything else the model is validated anew.

    Attributes:
        report: The report that `model_eval validate` writes.
        basis: What the report was made from, written here: the report names only a part of it.
    """

    report: Path
    basis: Path

    def forget(self) -> None:
        """What is about to be made anew must not be found if that fails."""
        self.basis.unlink(missing_ok=True)
        self.report.unlink(missing_ok=True)

    def keep(self, plan: Plan, model: Path) -> None:
        """Write down what the report was made from."""
        self.basis.write_text(json.dumps(self._basis(plan, model), indent=2) + "\n", "utf-8")

    def valid(self, plan: Plan, model: Path) -> dict[str, Any] | None:
        """The last report, if it speaks of this very model and data and passes this gate."""
        try:
            if json.loads(self.basis.read_bytes()) != self._basis(plan, model):
                return None
            report = json.loads(self.report.read_bytes())
            return report if float(report["accuracy"]) >= plan.min_accuracy else None
        except (OSError, ValueError, KeyError, TypeError, ModelError):
            return None

    def _basis(self, plan: Plan, model: Path) -> dict[str, str]:
        manifest = Manifest.read(model)
        return {
            "model": sha256_of(model / manifest.file),
            "classes": json.dumps(manifest.classes),
            "data": sha256_of(plan.data) if plan.data else "MNIST",
            "report": sha256_of(self.report),
            **{name: metadata.version(name) for name in _MEASURED_WITH},
        }
