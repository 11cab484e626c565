"""A report speaks for one model, one set of data and one gate."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from journey.evidence import Evidence
from journey.plan import Plan


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.pkl").write_bytes(b"pickle")
    manifest = {
        "name": "m",
        "version": "1",
        "file": "model.pkl",
        "sha256": "a" * 64,
        "classes": [0, 1],
        "input": {"features": 1},
    }
    (model / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "test.csv").write_text("a,b\n1,0\n")
    return Plan(model, registered=True, data=tmp_path / "test.csv", min_accuracy=0.8)


@pytest.fixture
def evidence(plan: Plan, tmp_path: Path) -> Evidence:
    """A validation of the plan's model on its data, with an accuracy of 0.9."""
    kept = Evidence(tmp_path / "report.json", tmp_path / "basis.json")
    kept.report.write_text(json.dumps({"accuracy": 0.9, "rows": 1}))
    kept.keep(plan, plan.source)
    return kept


def test_the_same_model_data_and_gate_are_not_validated_again(evidence: Evidence, plan: Plan):
    found = evidence.valid(plan, plan.source)
    assert found is not None
    assert found["accuracy"] == 0.9
    moved = plan.source.rename(plan.source.with_name("elsewhere"))
    assert evidence.valid(plan, moved)


def test_a_higher_gate_is_not_passed_by_an_old_report(evidence: Evidence, plan: Plan):
    assert evidence.valid(replace(plan, min_accuracy=0.91), plan.source) is None


def test_other_test_data_need_another_validation(evidence: Evidence, plan: Plan):
    assert evidence.valid(replace(plan, data=None), plan.source) is None
    assert plan.data
    plan.data.write_text("a,b\n1,1\n")
    assert evidence.valid(plan, plan.source) is None


def test_another_model_needs_another_validation(evidence: Evidence, plan: Plan):
    (plan.source / "model.pkl").write_bytes(b"another")
    assert evidence.valid(plan, plan.source) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"accuracy": 1.0}'])
def test_a_damaged_or_edited_report_is_none(evidence: Evidence, plan: Plan, content: bytes):
    before = hashlib.sha256(evidence.report.read_bytes()).digest()
    evidence.report.write_bytes(content)
    assert hashlib.sha256(content).digest() != before
    assert evidence.valid(plan, plan.source) is None


def test_a_validation_that_fails_leaves_no_report(evidence: Evidence, plan: Plan):
    evidence.forget()
    assert evidence.valid(plan, plan.source) is None
    assert not evidence.report.exists()
