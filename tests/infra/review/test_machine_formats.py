"""JUnit and SARIF, read by parsers that are not ours."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import defusedxml.ElementTree as ElementTree
import pytest

from infra.review.machine_formats import junit, sarif
from infra.review.report import Report

Build = Callable[..., Report]
Make = Callable[..., Any]
REGISTRY = "azure-native:containerregistry:Registry"
GOOD = {"location": "westeurope", "tags": {"environment": "dev", "service": "s"}}


def registry(step: Make, name: str, **inputs: Any) -> Any:
    return step("create", name, REGISTRY, new={**GOOD, **inputs})


def test_a_violation_is_a_failure_and_a_result(build: Build, step: Make) -> None:
    made = build(registry(step, "one", adminUserEnabled=True, tags={}))
    suite = ElementTree.fromstring(junit(made))
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("2", "1", "1")
    (failed,) = [case for case in suite if case.find("failure") is not None]
    assert (failed.get("classname"), failed.get("name")) == ("no-admin-account", "one")
    (run,) = json.loads(sarif(made))["runs"]
    assert [(one["ruleId"], one["level"]) for one in run["results"]] == [
        ("no-admin-account", "error"),
        ("required-tags", "warning"),
    ]
    known = {one["id"] for one in run["tool"]["driver"]["rules"]}
    assert known == {"no-admin-account", "required-tags"}
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "Pulumi.dev.yaml"


@pytest.mark.parametrize(("strict", "level"), [(True, "error"), (False, "note")])
def test_what_is_not_decided_fails_where_it_is_strict(
    build: Build, step: Make, *, strict: bool, level: str
) -> None:
    unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    made = build(registry(step, "one", adminUserEnabled=unknown), strict=strict)
    (run,) = json.loads(sarif(made))["runs"]
    assert [(one["ruleId"], one["level"]) for one in run["results"]] == [
        ("no-admin-account", level)
    ]
    failures = ElementTree.fromstring(junit(made)).get("failures")
    assert failures == ("1" if strict else "0")


def test_a_failed_preview_is_a_failure(build: Build) -> None:
    event = {"diagnosticEvent": {"severity": "error", "message": "no such\nregion \x1b[1m"}}
    suite = ElementTree.fromstring(junit(build(event, result="failed")))
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert str(failure.get("message")).startswith("no such region")


def test_nothing_to_say_is_one_case_that_passed(build: Build, step: Make) -> None:
    suite = ElementTree.fromstring(junit(build(registry(step, "one"))))
    assert (len(suite), suite.get("tests"), suite.get("failures")) == (1, "1", "0")
    assert json.loads(sarif(build(registry(step, "one"))))["runs"][0]["results"] == []
