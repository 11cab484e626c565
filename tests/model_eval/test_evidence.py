"""A report registers this model, measured on this data, above this gate, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from model_eval import dataset
from model_eval.__main__ import app
from model_eval.errors import GateError
from model_eval.evidence import Evidence
from scoring.manifest import Manifest


@pytest.fixture
def report(wine: Any, tmp_path: Path) -> Path:
    """The report of the wine model on its data."""
    out = tmp_path / "evidence"
    arguments = ["--model", wine.model, "--data", wine.data, "--out", out]
    assert CliRunner().invoke(app, ["validate", *map(str, arguments)]).exit_code == 0
    return out / "report.json"


def check(report: Path, wine: Any, data: Path | None, gate: float = 0.9) -> None:
    evidence = Evidence.read(report, dataset.md5_of_files(data), gate)
    evidence.check(Manifest.read(wine.model))


def test_the_report_of_this_model_and_data_above_the_gate_is_valid(report: Path, wine: Any) -> None:
    check(report, wine, wine.data)


def test_other_data_and_a_higher_gate_are_refused(report: Path, wine: Any, tmp_path: Path) -> None:
    with np.load(wine.data) as arrays:
        features, labels = arrays["X"], arrays["y"]
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / wine.data.name  # another file of the same name
    np.savez(other, X=features[1:], y=labels[1:])
    for data in (other, None):
        with pytest.raises(GateError, match="not of this data"):
            check(report, wine, data)
    with pytest.raises(GateError, match=r"below the gate of 0\.9990"):
        check(report, wine, wine.data, 0.999)


CHANGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "another model": lambda report: report["model"].update(sha256="0" * 64),
    "no model": lambda report: report.pop("model"),
    "other data": lambda report: report.update(data_md5={}),
    "a better accuracy": lambda report: report.update(accuracy=1.0),
    "other classes": lambda report: report.update(classes=["a", "b", "c"]),
    "more rows": lambda report: report.update(rows=10_000),
    "no counts": lambda report: report.update(confusion_matrix=[]),
    "zeros": lambda report: report.update(confusion_matrix=[[0] * 3] * 3),
    "no square": lambda report: report.update(confusion_matrix=[[1, 2]]),
    "text": lambda report: report.update(confusion_matrix="1"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_an_edited_report_is_refused(report: Path, wine: Any, change: str) -> None:
    content = json.loads(report.read_text())
    CHANGES[change](content)
    report.write_text(json.dumps(content))
    with pytest.raises(GateError):
        check(report, wine, wine.data)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe\x00", b"[" * 100_000])
def test_what_is_no_report_names_the_command(report: Path, wine: Any, content: bytes) -> None:
    report.write_bytes(content)
    with pytest.raises(GateError, match="python -m model_eval validate"):
        check(report, wine, wine.data)


def test_register_refuses_before_it_looks_for_a_workspace(report: Path, wine: Any) -> None:
    arguments = ["--model", wine.model, "--report", report, "--config", "/nowhere/config.json"]
    done = CliRunner().invoke(app, ["register", *map(str, arguments)])
    assert done.exit_code == 1
    assert "not of this data" in done.output
