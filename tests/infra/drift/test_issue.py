"""One issue a stack, against a local stand-in of GitHub's API over real HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from infra.drift import issue
from infra.drift.errors import DriftError
from infra.drift.finding import Finding
from infra.drift.issue import marker, settle
from infra.drift.report import Report
from infra.github.client import Access, GitHub, GitHubError
from tests.support.answering import answering
from tests.support.github_api import TOKEN, Answer, Issues


@pytest.fixture
def server() -> Iterator[Issues]:
    api = Issues()
    with answering(api):
        yield api


@pytest.fixture
def github(server: Issues) -> Iterator[GitHub]:
    with GitHub(Access("o/r", TOKEN, server.url), lambda _: None) as client:
        yield client


@pytest.fixture
def drift(report: Callable[..., Report], finding: Callable[..., Finding]) -> Report:
    return report(finding())


def test_the_first_drift_opens_an_issue(github: GitHub, server: Issues, drift: Report) -> None:
    assert settle(github, drift)[0] == "Opened an issue"
    (opened,) = server.issues
    assert opened["title"] == ("Drift of the stack dev: 1 difference in 1 resource, 1 critical")
    assert opened["body"].startswith(marker("dev"))
    assert "adminUserEnabled" in opened["body"]


def test_the_same_drift_leaves_it_alone(github: GitHub, server: Issues, drift: Report) -> None:
    settle(github, drift)
    assert settle(github, drift)[0] == "Left the issue unchanged"
    assert len(server.issues) == 1
    assert not any(line.startswith("PATCH") for line in server.asked)


def test_another_drift_updates_it(
    github: GitHub,
    server: Issues,
    drift: Report,
    report: Callable[..., Report],
    finding: Callable[..., Finding],
) -> None:
    settle(github, drift)
    both = report(finding(), finding(path="tags.team"))
    assert settle(github, both)[0] == "Updated the issue"
    (updated,) = server.issues
    assert updated["title"].endswith("2 differences in 1 resource, 2 critical")
    assert "tags.team" in updated["body"]


def test_in_sync_closes_it_with_a_word(
    github: GitHub, server: Issues, drift: Report, report: Callable[..., Report]
) -> None:
    settle(github, drift)
    assert settle(github, report())[0] == "Closed the issue"
    assert (server.issues[0]["state"], server.issues[0]["state_reason"]) == ("closed", "completed")
    assert server.comments == {1: ["In sync again."]}
    assert "adminUserEnabled" in server.issues[0]["body"]


def test_in_sync_without_an_issue_does_nothing(
    github: GitHub, server: Issues, report: Callable[..., Report]
) -> None:
    assert settle(github, report()) == ("No issue is open, and none is needed", None)
    assert [line.split()[0] for line in server.asked] == ["GET"]


def test_a_closed_issue_is_not_opened_again(github: GitHub, server: Issues, drift: Report) -> None:
    server.add(state="closed", body=f"{marker('dev')}\nold")
    assert settle(github, drift)[0] == "Opened an issue"
    assert [one["state"] for one in server.issues] == ["closed", "open"]


def test_it_is_found_on_a_later_page_and_pull_requests_are_none(
    github: GitHub, server: Issues, drift: Report
) -> None:
    server.add(body=f"{marker('dev')}\n", pull_request={})
    for number in range(7):
        server.add(body=f"issue {number}")
    own = server.add(body=f"{marker('dev')}\nold", title="old")
    assert settle(github, drift)[0] == "Updated the issue"
    assert own["title"].startswith("Drift of the stack dev")
    assert len(server.issues) == 9


def test_an_issue_that_somebody_else_opened_with_the_marker_is_neither_changed_nor_closed(
    github: GitHub, server: Issues, drift: Report, report: Callable[..., Report]
) -> None:
    theirs = server.add(body=f"{marker('dev')}\nall is well", user={"login": "mallory"})
    before = dict(theirs)
    assert settle(github, report())[1] is None
    assert settle(github, drift)[0] == "Opened an issue"
    assert settle(github, report())[0] == "Closed the issue"
    assert [one["state"] for one in server.issues] == ["open", "closed"]
    assert theirs == before


def test_each_stack_has_its_own(
    github: GitHub, server: Issues, finding: Callable[..., Finding]
) -> None:
    for stack in ("dev", "prod", "dev --> @everyone"):
        settle(github, Report(stack, (finding(),)))
    assert len(server.issues) == 3
    assert all("@everyone" not in one["body"].splitlines()[0] for one in server.issues)


def test_an_issue_that_a_failing_server_opened_is_not_opened_twice(
    github: GitHub, server: Issues, drift: Report
) -> None:
    server.planned["POST"] = [Answer(502, did_it=True)]
    assert settle(github, drift)[0] == "Left the issue unchanged"
    assert len(server.issues) == 1


def test_a_server_that_fails_for_long_is_an_error(
    github: GitHub, server: Issues, drift: Report
) -> None:
    server.planned["POST"] = [Answer(502)] * 9
    with pytest.raises(GitHubError, match="HTTP 502"):
        settle(github, drift)


@pytest.mark.parametrize(("status", "said"), [(403, "permission"), (410, "switched off")])
def test_a_refusal_says_what_to_do(
    github: GitHub, server: Issues, drift: Report, status: int, said: str
) -> None:
    server.planned["POST"] = [Answer(status)]
    with pytest.raises(GitHubError, match=said):
        settle(github, drift)


def test_a_broken_check_leaves_it_alone(
    server: Issues, report: Callable[..., Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setenv("GITHUB_API_URL", server.url)
    said = issue.post(report(broken="Azure was not reached"), "o/r")
    assert said == "Left the issue as it is: the check broke"
    assert server.asked == []


def test_the_environment_says_where(
    server: Issues, drift: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setenv("GITHUB_API_URL", server.url)
    monkeypatch.setenv("GITHUB_REPOSITORY", "o/r")
    assert issue.post(drift) == "Opened an issue: http://i/1"
    monkeypatch.delenv("GITHUB_TOKEN")
    with pytest.raises(DriftError, match="the issue was not written: GITHUB_TOKEN is not set"):
        issue.post(drift)
