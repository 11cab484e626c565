"""For machines: the whole report as JSON, what stops a change as JUnit XML and SARIF 2.1.0."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from infra.disclosure.plain import plain
from infra.review.report import Report
from infra.review.verdict import verdict

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


@dataclass(frozen=True)
class _Result:
    """One thing that was judged."""

    rule: str
    description: str
    resource: str
    level: str
    message: str


def document(report: Report) -> str:
    """The report whole, with sorted keys: the same report gives the same bytes.

    Nothing is left out for length, and nothing hidden appears.
    """
    content = {
        "verdict": verdict(report),
        "endpoint": report.endpoint.name.lower(),
        "counts": {str(op): count for op, count in report.counts.items()},
        **plain(report),
    }
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


def junit(report: Report) -> str:
    """A test case for each judgement: failed where it stops the change, skipped where it does not.

    A review with nothing to say has one case that passed.
    """
    results = list(_results(report))
    suite = ElementTree.Element(
        "testsuite",
        name=f"infra.review {_xml(report.stack)}",
        tests=str(max(1, len(results))),
        failures=str(sum(one.level == "error" for one in results)),
        errors="0",
        skipped=str(sum(one.level != "error" for one in results)),
    )
    for one in results:
        case = ElementTree.SubElement(
            suite, "testcase", classname=_xml(one.rule), name=_xml(one.resource or report.stack)
        )
        kind = "failure" if one.level == "error" else "skipped"
        ElementTree.SubElement(case, kind, message=_xml(one.message)).text = _xml(one.description)
    if not results:
        ElementTree.SubElement(suite, "testcase", classname="infra.review", name="policies")
    ElementTree.indent(suite)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suite, "unicode") + "\n"
    )


def sarif(report: Report) -> str:
    """The same as a log for code scanning; everything is found in the stack's configuration."""
    results = list(_results(report))
    rules = {one.rule: one.description for one in results}
    place = {
        "physicalLocation": {
            "artifactLocation": {"uri": f"Pulumi.{report.stack}.yaml"},
            "region": {"startLine": 1},
        }
    }
    content: dict[str, Any] = {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "infra.review",
                        "rules": [
                            {"id": rule, "shortDescription": {"text": text}}
                            for rule, text in sorted(rules.items())
                        ],
                    }
                },
                "results": [
                    {
                        "ruleId": one.rule,
                        "level": one.level,
                        "message": {"text": f"{one.resource}: {one.message}".removeprefix(": ")},
                        "locations": [place],
                        "partialFingerprints": {"resource": one.resource or report.stack},
                    }
                    for one in results
                ],
            }
        ],
    }
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


def _results(report: Report) -> Iterator[_Result]:
    if report.failed:
        said = next(iter(report.errors), "it did not come to its end")
        yield _Result("preview", "The preview comes to its end.", "", "error", said)
    for one in report.obstacles:
        yield _Result("can-finish", "The update can finish.", one.resource, "error", one.why)
    for one in report.findings:
        level = "error" if one.mandatory else "warning"
        yield _Result(one.rule, one.description, one.resource, level, one.message)
    for one in report.undecided:
        level = "error" if one.mandatory and report.strict else "note"
        yield _Result(one.rule, one.description, one.resource, level, f"not decided: {one.message}")


def _xml(text: str) -> str:
    """Text without what XML 1.0 cannot hold."""
    return "".join(one if one.isprintable() or one in "\t\n" else "?" for one in text)
