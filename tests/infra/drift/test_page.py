"""The page of a check: findings by severity, since when, what is gone, and what repairs."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable

from infra.drift import history, page
from infra.drift.baseline import Accepted, Stale
from infra.drift.finding import Finding, Severity
from infra.drift.history import Check
from infra.drift.repair import Repair
from infra.drift.report import Report

FIRST = datetime.datetime(2026, 11, 1, 5, 17, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
Make = Callable[..., Report]
Find = Callable[..., Finding]


def checked(*reports: Report) -> tuple[Check, ...]:
    """The history of one check a day."""
    checks: tuple[Check, ...] = ()
    for number, report in enumerate(reports):
        checks = history.extended(checks, report, FIRST + number * DAY)
    return checks


def shown(*reports: Report) -> str:
    """The last check's page as text without markup."""
    text = page.html(reports[-1], checked(*reports))
    return " ".join(re.sub(r"<[^>]*>", " ", text[text.index("<header>") :]).split())


def test_findings_stand_by_severity_the_critical_first(report: Make, finding: Find) -> None:
    tag = finding(path="tags.team", severity=Severity.MINOR, reason="")
    text = shown(report(finding(), tag))
    assert text.index("critical 1") < text.index("minor 1")
    assert "breaks the policy no-admin-account" in text
    assert "major" not in text


def test_a_finding_says_since_when_it_is_there_without_a_break(report: Make, finding: Find) -> None:
    found, clean = report(finding()), report()
    assert "since 2026-11-01" in shown(found, found, found)
    assert "since 2026-11-03" in shown(found, clean, found, found)
    assert "since" not in shown(clean, clean, found)
    assert " new " in shown(clean, found)


def test_a_check_that_broke_neither_ends_a_finding_nor_makes_it_new(
    report: Make, finding: Find
) -> None:
    found, broke = report(finding()), report(broken="no answer")
    assert "since 2026-11-01" in shown(found, broke, found)
    assert "No longer there" not in shown(found, broke)
    # What was there before the broken check counts as before.
    assert "No longer there" in shown(found, broke, report())


def test_the_strip_shows_each_of_the_last_thirty_checks(report: Make, finding: Find) -> None:
    found, broke, clean = report(finding()), report(broken="no answer"), report()
    past = [*[clean] * 30, found, found, broke, clean, found]
    text = page.html(found, checked(*past))
    marks = re.findall(r'<i class="(\w+)"></i>', text)
    assert marks == [*["absent"] * 25, "seen", "seen", "broke", "absent", "seen"]
    assert "in 3 of the last 30 checks" in text
    alone = page.html(found, checked(found))
    assert 'class="history"' not in alone


def test_another_value_of_the_same_property_is_the_same_finding(
    report: Make, finding: Find
) -> None:
    assert "since 2026-11-01" in shown(report(finding(actual="a")), report(finding(actual="b")))


def test_what_was_found_before_and_is_not_now_is_listed(report: Make, finding: Find) -> None:
    text = shown(report(finding()), report())
    assert "No longer there" in text
    assert "registry adminUserEnabled" in text
    assert "In sync" in text


def test_another_stack_has_its_own_history(report: Make, finding: Find) -> None:
    other = history.extended((), Report("prod", (finding(),)), FIRST)
    made = report(finding())
    text = page.html(made, history.extended(other, made, FIRST + DAY))
    assert "since" not in text
    assert "The last" not in text


def test_what_has_to_be_chosen_is_in_no_block(report: Make, finding: Find) -> None:
    repairs = (Repair("a", "pulumi up"), Repair("b", "az rm", "DELETES it"), Repair("by hand"))
    text = page.html(report(finding(), repair=repairs), ())
    (block,) = re.findall(r"<pre tabindex=\"0\">(.*?)</pre>", text, re.DOTALL)
    assert block.split() == ["pulumi", "up"]
    assert "DELETES it" in text
    assert "by hand" in text


def test_the_baseline_and_why_a_check_broke_are_shown(report: Make, finding: Find) -> None:
    excused = (Accepted(finding(), "a migration", "2026-12-31"),)
    stale = (Stale("registry", "sku", "matches nothing"),)
    text = shown(report(accepted=excused, stale=stale, broken="az said <b>no</b>"))
    assert "a migration, to 2026-12-31" in text
    assert "matches nothing" in text
    assert "The check broke: az said &lt;b&gt;no&lt;/b&gt;" in text


def test_what_a_value_hides_is_seen(report: Make, finding: Find) -> None:
    text = page.html(report(finding(actual="safe\u202eefas\x1b[0m")), ())
    assert "safe\\u202eefas\\u001b[0m" in text
