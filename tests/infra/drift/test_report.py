"""What the report shows, in which order, how much of it, and with which exit code."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from infra.drift import rendering
from infra.drift.baseline import Accepted, Stale
from infra.drift.finding import Finding, Kind, Question, Severity
from infra.drift.repair import Repair
from infra.drift.report import Report

STALE = Stale("registry", "sku", "matches nothing")


def test_the_verdict_counts(report: Callable[..., Report], finding: Callable[..., Finding]) -> None:
    two = (finding(), finding(path="sku.name", severity=Severity.MAJOR))
    assert report().verdict == "In sync."
    assert report(*two).verdict == "2 differences in 1 resource, 1 critical."
    assert report(two[1]).verdict == "1 difference in 1 resource, none critical."
    assert report(stale=(STALE,)).verdict == "1 stale baseline entry."
    assert report(two[1], stale=(STALE, STALE)).verdict == (
        "1 difference in 1 resource, none critical; 2 stale baseline entries."
    )
    accepted = (Accepted(finding(), "x", "2026-12-31"),) * 6
    assert report(accepted=accepted).verdict == "In sync, 6 accepted."
    assert report(two[1], accepted=accepted).verdict == (
        "1 difference in 1 resource, none critical, 6 accepted."
    )
    assert report(broken="x", accepted=accepted).verdict == (
        "The check broke. Found until then: nothing, 6 accepted."
    )
    assert report(broken="x").verdict == "The check broke. Found until then: nothing."


@pytest.mark.parametrize(
    ("found", "stale", "broken", "code"),
    [(0, 0, "", 0), (1, 0, "", 7), (0, 1, "", 7), (0, 0, "x", 1), (1, 1, "x", 1)],
)
def test_the_exit_code(
    found: int,
    stale: int,
    broken: str,
    code: int,
    report: Callable[..., Report],
    finding: Callable[..., Finding],
) -> None:
    made = report(*[finding()] * found, stale=(STALE,) * stale, broken=broken)
    assert made.code == code
    assert json.loads(made.json())["code"] == code


def test_an_accepted_difference_is_no_drift_but_is_shown(
    report: Callable[..., Report], finding: Callable[..., Finding]
) -> None:
    made = report(accepted=(Accepted(finding(), "a migration", "2026-12-31"),))
    assert made.code == 0
    assert "`a migration` to 2026-12-31" in rendering.markdown(made)


def test_the_markdown_names_declared_and_actual(
    report: Callable[..., Report], finding: Callable[..., Finding]
) -> None:
    text = rendering.markdown(
        report(
            finding(),
            stale=(STALE,),
            asked={Question.CLOUD: "answered"},
            repair=(Repair("x", "pulumi up --refresh --stack dev"),),
        )
    )
    assert (
        "| **critical**: breaks the policy no-admin-account "
        "| `registry`<br>`azure-native:containerregistry:Registry` "
        "| `adminUserEnabled` | `false` | `true` | changed |"
    ) in text
    assert "| `registry` | `sku` | matches nothing |" in text
    assert "- cloud against state: answered" in text
    assert "```text\npulumi up --refresh --stack dev\n```" in text


def test_machines_are_told_everything_and_nothing_else(report: Callable[..., Report]) -> None:
    one = Finding(
        question=Question.CLOUD,
        resource="registry",
        type="t",
        path="sku",
        label="l",
        declared="a",
        actual="b",
        kind=Kind.CHANGED,
        severity=Severity.MAJOR,
    )
    accepted = Accepted(one, "a migration", "2026-12-31")
    told = report(
        one,
        accepted=(accepted,),
        stale=(STALE,),
        asked={Question.CLOUD: "answered"},
        repair=(Repair("why", "pulumi up", "REPLACES it"),),
        endpoint="The endpoint answers.",
    )
    finding = {
        "question": "cloud against state",
        "resource": "registry",
        "type": "t",
        "path": "sku",
        "label": "l",
        "declared": "a",
        "actual": "b",
        "kind": "changed",
        "severity": "major",
        **dict.fromkeys(("reason", "id", "urn", "parent", "default", "link"), ""),
        **dict.fromkeys(("protected", "replaces", "undeclared"), False),
    }
    verdict = "1 difference in 1 resource, none critical; 1 stale baseline entry, 1 accepted."
    assert json.loads(told.json()) == {
        "stack": "dev",
        "headline": f"The endpoint answers. {verdict}",
        "verdict": verdict,
        "code": 7,
        "endpoint": "The endpoint answers.",
        "findings": [finding],
        "accepted": [{"finding": finding, "reason": "a migration", "expires": "2026-12-31"}],
        "stale": [{"resource": "registry", "path": "sku", "why": "matches nothing"}],
        "asked": {"cloud against state": "answered"},
        "repair": [{"why": "why", "command": "pulumi up", "harm": "REPLACES it"}],
        "broken": "",
    }
    assert told.json().startswith('{\n  "accepted": [')


def test_the_first_line_says_whether_the_endpoint_answers(
    report: Callable[..., Report],
) -> None:
    made = report(endpoint="The endpoint answers.")
    assert rendering.markdown(made).splitlines()[2] == "**The endpoint answers. In sync.**"
    assert json.loads(made.json())["headline"] == "The endpoint answers. In sync."
    unknown = report(broken="x").headline
    assert unknown.startswith("Whether the endpoint answers is not known. The check broke.")


def test_a_resource_is_linked_where_it_can_be_seen(
    report: Callable[..., Report], finding: Callable[..., Finding]
) -> None:
    link = "https://portal.azure.com/#@t/resource/subscriptions/s"
    text = rendering.markdown(report(finding(link=link), finding(path="b")))
    assert f"| [`registry`]({link})<br>" in text
    assert "| `registry`<br>" in text


def test_what_deletes_stands_in_no_block(report: Callable[..., Report]) -> None:
    made = report(
        repair=(Repair("a", "pulumi up"), Repair("keep it"), Repair("b", "az rm", "DELETES it"))
    )
    text = rendering.markdown(made)
    assert "```text\npulumi up\n```" in text
    assert "- `keep it`\n- **DELETES** `it: az rm`" in text


def test_values_cannot_break_out(
    report: Callable[..., Report], finding: Callable[..., Finding]
) -> None:
    evil = "a|b`c @everyone\n# x <img>"
    made = report(
        finding(resource=evil, actual=evil, path=evil),
        broken=f"```\n{evil}",
        repair=(Repair("x", f"rm ``` {evil}"), Repair(evil), Repair(evil, evil, f"DELETES {evil}")),
    )
    text = rendering.markdown(made)
    (row,) = [line for line in text.splitlines() if line.startswith("| **critical**")]
    assert row.count("|") == 7
    assert "\n# x" in text.partition("````text")[2]
    assert text.count("````") == 4


def test_of_long_lists_the_first_are_shown_and_the_rest_is_counted(
    report: Callable[..., Report], finding: Callable[..., Finding]
) -> None:
    made = report(
        repair=(
            *(Repair("x", f"pulumi up {number}") for number in range(50)),
            *(Repair(f"choose {number}") for number in range(50)),
        ),
        stale=tuple(Stale(f"stale{number}", "", "matches nothing") for number in range(150)),
        accepted=tuple(
            Accepted(finding(resource=f"accepted{number}"), "x", "2026-12-31")
            for number in range(150)
        ),
    )
    lines = rendering.markdown(made).splitlines()
    commands = [line for line in lines if line.startswith("pulumi up ")]
    assert commands == [f"pulumi up {number}" for number in range(20)]
    choices = [line for line in lines if line.startswith("- `choose")]
    assert choices == [f"- `choose {number}`" for number in range(40)]
    assert sum(line.startswith("| `stale") for line in lines) == 100
    assert sum(line.startswith("| `accepted") for line in lines) == 100
    assert any("Accepted by the baseline: 150" in line for line in lines)
    left = [line for line in lines if "left out here" in line]
    assert left == [
        "50 more are left out here; `--json` has all.",
        "30 more are left out here; `--fix` has all.",
        "10 more are left out here; `--fix` has all.",
        "50 more are left out here; `--json` has all.",
    ]


def test_hundreds_of_findings_fit_and_the_rest_is_counted(
    report: Callable[..., Report], finding: Callable[..., Finding]
) -> None:
    many = [finding(path=f"tags.{number}-{'x' * 100}") for number in range(2000)]
    made = report(*many, repair=(Repair("x", "pulumi up --refresh --stack dev"),))
    text = rendering.markdown(made)
    shown = text.count("**critical**")
    assert len(text.encode()) < 65_000
    assert 100 < shown < 2000
    assert f"{2000 - shown} more are left out here" in text
    assert "pulumi up --refresh" in text
    assert len(json.loads(made.json())["findings"]) == 2000


def test_the_same_report_has_the_same_bytes(
    report: Callable[..., Report], finding: Callable[..., Finding]
) -> None:
    first, second = (report(finding(), stale=(STALE,)) for _ in range(2))
    assert first.json() == second.json()
    assert rendering.markdown(first) == rendering.markdown(second)


def test_the_most_severe_comes_first(finding: Callable[..., Finding]) -> None:
    found = [
        finding(severity=Severity.MINOR, path="a"),
        finding(severity=Severity.CRITICAL, path="c"),
        finding(severity=Severity.CRITICAL, path="b"),
        finding(severity=Severity.MAJOR, path="d"),
    ]
    assert [one.path for one in sorted(found, key=lambda one: one.order)] == ["b", "c", "d", "a"]


def test_each_part_of_the_text_stands_by_itself(
    report: Callable[..., Report], finding: Callable[..., Finding]
) -> None:
    text = rendering.markdown(
        report(
            finding(),
            stale=(STALE,),
            accepted=(Accepted(finding(), "a migration", "2026-12-31"),),
            asked={Question.CLOUD: "answered", Question.PROGRAM: "not asked"},
            repair=(Repair("x", "pulumi up"), Repair("y", "pulumi refresh"), Repair("keep it")),
            endpoint="It answers.",
            broken="no login",
        )
    )
    table = "| --- " * 3 + "|\n"
    assert text.split("\n\n") == [
        "## Drift of `dev`",
        "**It answers. The check broke. Found until then: 1 difference in 1 resource, 1 critical; "
        "1 stale baseline entry, 1 accepted.**",
        "The check broke:",
        "```text\nno login\n```",
        f"| severity | resource | property | declared | actual | kind |\n{'| --- ' * 6}|\n"
        "| **critical**: breaks the policy no-admin-account "
        "| `registry`<br>`azure-native:containerregistry:Registry` "
        "| `adminUserEnabled` | `false` | `true` | changed |",
        "Entries of the baseline to be removed or renewed:",
        f"| resource | property | why |\n{table}| `registry` | `sku` | matches nothing |",
        "To repair:",
        "```text\npulumi up\npulumi refresh\n```",
        "To choose from:",
        "- `keep it`",
        "<details><summary>Accepted by the baseline: 1</summary>",
        f"| resource | property | reason |\n{table}"
        "| `registry` | `adminUserEnabled` | `a migration` to 2026-12-31 |",
        "</details>",
        "- cloud against state: answered\n- program against state: not asked\n",
    ]
