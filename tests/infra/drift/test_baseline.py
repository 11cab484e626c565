"""Accepted differences: each with a reason and an end, and none forgotten."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.drift import baseline
from infra.drift.baseline import Accepted, Entry, Stale
from infra.drift.errors import DriftError
from infra.drift.finding import Finding, Severity

TODAY = datetime.date(2026, 11, 23)
GOOD = """
- resource: registry
  path: adminUserEnabled
  accepts: "true"
  reason: a migration needs it
  expires: 2026-12-31
"""


def entry(
    resource: str = "registry",
    path: str = "adminUserEnabled",
    days: int = 1,
    accepts: str = "true",
) -> Entry:
    until = TODAY + datetime.timedelta(days)
    return Entry(resource=resource, path=path, accepts=accepts, reason="known", expires=until)


@pytest.mark.parametrize(
    "known",
    [
        entry(),
        entry(days=0),
        entry(resource="azure-native:containerregistry:Registry::registry"),
        entry(resource="reg*", path="admin*", accepts="t*"),
    ],
)
def test_a_known_difference_is_accepted_with_its_reason(
    known: Entry, finding: Callable[..., Finding]
) -> None:
    found = finding(severity=Severity.MAJOR)
    left, accepted, stale = baseline.apply([known], [found], TODAY, whole=True)
    assert (left, stale) == ([], [])
    assert accepted == [Accepted(found, "known", known.expires.isoformat())]


@pytest.mark.parametrize(
    "wide",
    [
        entry(resource="*"),
        entry(resource="reg*"),
        entry(path="*"),
        entry(path="adminUser*"),
        entry(accepts="*"),
        entry(accepts="false"),
    ],
)
def test_a_critical_difference_is_accepted_by_its_plain_name_and_value_alone(
    wide: Entry, finding: Callable[..., Finding]
) -> None:
    assert baseline.apply([wide], [finding()], TODAY, whole=True)[0] == [finding()]
    assert baseline.apply([entry()], [finding()], TODAY, whole=True)[0] == []


def test_an_entry_without_a_path_covers_the_resource_with_its_properties_but_nothing_critical(
    finding: Callable[..., Finding],
) -> None:
    known = entry(path="", accepts="*")
    minor = [
        finding(severity=Severity.MINOR, path=path) for path in ("", "tags.who", "sku.name", "a[0]")
    ]
    grave = finding()
    assert baseline.apply([known], [*minor, grave], TODAY, whole=True)[0] == [grave]
    gone = finding(path="", actual="-")
    plain = entry(path="", accepts="-")
    assert baseline.apply([plain], [gone, grave], TODAY, whole=True)[0] == [grave]


def test_a_longer_end_says_why(tmp_path: Path) -> None:
    file = tmp_path / "baseline.yaml"
    late = GOOD.replace("2026-12-31", "2028-01-01")
    file.write_text(late + "  longer: the contract with the auditor ends then")
    assert baseline.read(file, TODAY)[0].expires == datetime.date(2028, 1, 1)
    file.write_text(late + "  longer: ' '")
    with pytest.raises(DriftError, match="unless `longer` says why"):
        baseline.read(file, TODAY)


def test_another_value_than_the_accepted_one_is_drift(finding: Callable[..., Finding]) -> None:
    other = finding(severity=Severity.MAJOR, path="sku.name", actual="Premium")
    known = entry(path="sku.name", accepts="Standard")
    assert baseline.apply([known], [other], TODAY, whole=True)[0] == [other]


@pytest.mark.parametrize(("days", "good"), [(180, True), (181, False)])
def test_an_entry_ends_within_half_a_year(days: int, good: bool, tmp_path: Path) -> None:
    file = tmp_path / "baseline.yaml"
    until = TODAY + datetime.timedelta(days)
    file.write_text(GOOD.replace("2026-12-31", until.isoformat()))
    if good:
        assert len(baseline.read(file, TODAY)) == 1
    else:
        with pytest.raises(DriftError, match=r"0\.expires: 2027-05-23 is more than 180 days ahead"):
            baseline.read(file, TODAY)


@pytest.mark.parametrize(
    "other",
    [
        entry(resource="storage"),
        entry(resource="Registry"),
        entry(path="adminUser"),
        entry(path=""),
        entry(path="adminUserEnable?"),
        entry(path="[a]dminUserEnabled"),
    ],
)
def test_an_entry_that_matches_nothing_is_reported(
    other: Entry, finding: Callable[..., Finding]
) -> None:
    left, accepted, stale = baseline.apply([other], [finding()], TODAY, whole=True)
    assert (left, accepted) == ([finding()], [])
    assert stale == [Stale(other.resource, other.path, "matches nothing")]


def test_an_expired_entry_excuses_nothing_and_is_reported(
    finding: Callable[..., Finding],
) -> None:
    left, accepted, stale = baseline.apply([entry(days=-1)], [finding()], TODAY, whole=True)
    assert (left, accepted) == ([finding()], [])
    assert [one.why for one in stale] == ["expired on 2026-11-22"]


def test_after_a_broken_check_nothing_is_called_unmatched() -> None:
    assert baseline.apply([entry()], [], TODAY, whole=False) == ([], [], [])


def test_brackets_of_a_path_mean_themselves(finding: Callable[..., Finding]) -> None:
    found = finding(path="containers[0].image", severity=Severity.MAJOR)
    known = entry(path="containers[*].image")
    assert baseline.apply([known], [found], TODAY, whole=True)[0] == []


def test_a_question_mark_means_itself(finding: Callable[..., Finding]) -> None:
    known = entry(path="tags.who?*")
    for path, left in (("tags.who? me", 0), ("tags.whom", 1)):
        found = finding(path=path, severity=Severity.MINOR)
        assert len(baseline.apply([known], [found], TODAY, whole=True)[0]) == left


def test_an_entry_names_no_property_unless_it_says_so(tmp_path: Path) -> None:
    file = tmp_path / "baseline.yaml"
    file.write_text(GOOD.replace("  path: adminUserEnabled\n", ""))
    (read,) = baseline.read(file, TODAY)
    assert (read.path, read.longer) == ("", "")


def test_a_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "baseline.yaml"
    file.write_text(GOOD)
    (read,) = baseline.read(file, TODAY)
    assert (read.resource, read.expires) == ("registry", datetime.date(2026, 12, 31))
    file.write_text("")
    assert baseline.read(file) == ()


@pytest.mark.parametrize("shown", ["true", "30", "1.10", "2024-11-01", "no", "null", "Standard"])
def test_a_value_is_accepted_as_the_report_shows_it(shown: str, tmp_path: Path) -> None:
    file = tmp_path / "baseline.yaml"
    file.write_text(GOOD.replace('"true"', shown))
    (read,) = baseline.read(file, datetime.date(2026, 12, 1))
    assert read.accepts == shown


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("resource: registry", "entry the file"),
        ("- resource: registry\n  accepts: x\n  reason: x", "entry 0.expires"),
        (GOOD.replace("a migration needs it", "''"), "entry 0.reason"),
        (GOOD.replace("registry", "''"), "entry 0.resource"),
        (GOOD.replace("resource: registry", "longer: x"), "entry 0.resource"),
        (GOOD.replace('"true"', "''"), "entry 0.accepts"),
        (GOOD.replace("2026-12-31", "soon"), "entry 0.expires"),
        (GOOD.replace('  accepts: "true"\n', ""), "entry 0.accepts"),
        (GOOD + "  also: this", "entry 0.also"),
        ("- [", "is not YAML: while parsing"),
        ("\x00", "not YAML"),
    ],
)
def test_a_wrong_file_is_named_with_the_place(text: str, named: str, tmp_path: Path) -> None:
    file = tmp_path / "baseline.yaml"
    file.write_text(text)
    with pytest.raises(DriftError) as caught:
        baseline.read(file)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DriftError, match=r"cannot read the baseline .*No such file"):
        baseline.read(tmp_path / "none.yaml")
