"""One issue a stack, against a local stand-in of GitHub's API over real HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from infra.drift import issue
from infra.drift.errors import DriftError
from infra.drift.finding import Finding
from infra.drift.issue import marker, settle
from infra.drift.report import Report
from infra.github.client import Access, GitHub, GitHubError
from tests.support.github_api import TOKEN, Answer, GitHubApi


class StandIn(GitHubApi):
    """Issues and their comments, five a page."""

    def __init__(self) -> None:
        super().__init__()
        self.issues: list[dict[str, Any]] = []
        self.comments: dict[int, list[str]] = {}

    def add(self, **values: Any) -> dict[str, Any]:
        number = len(self.issues) + 1
        self.issues.append(
            {"number": number, "state": "open", "html_url": f"http://i/{number}", **values}
        )
        return self.issues[-1]

    def do(
        self, method: str, path: str, content: dict[str, Any]
    ) -> tuple[int, Any, dict[str, str]]:
        address = urlsplit(path)
        if method == "GET" and address.path == "/repos/o/r/issues":
            return self._list({name: one[0] for name, one in parse_qs(address.query).items()})
        if method == "POST" and address.path == "/repos/o/r/issues":
            return 201, self.add(**content), {}
        match = re.fullmatch(r"/repos/o/r/issues/(\d+)(/comments)?", address.path)
        if match and method == "POST" and match[2]:
            self.comments.setdefault(int(match[1]), []).append(content["body"])
            return 201, {}, {}
        if match and method == "PATCH":
            self.issues[int(match[1]) - 1] |= content
            return 200, self.issues[int(match[1]) - 1], {}
        return 404, {}, {}

    def _list(self, query: dict[str, str]) -> tuple[int, Any, dict[str, str]]:
        found = [one for one in self.issues if one["state"] == query["state"]]
        if (query["sort"], query["direction"]) != ("created", "asc"):
            found.reverse()
        page = int(query.get("page", 1))
        more = f"/repos/o/r/issues?state=open&sort=created&direction=asc&page={page + 1}"
        link = {"link": f'<{self.url}{more}>; rel="next"'} if page * 5 < len(found) else {}
        return 200, found[(page - 1) * 5 : page * 5], link


@pytest.fixture
def server() -> Iterator[StandIn]:
    api = StandIn()
    with api.serving():
        yield api


@pytest.fixture
def github(server: StandIn) -> Iterator[GitHub]:
    with GitHub(Access("o/r", TOKEN, server.url), lambda _: None) as client:
        yield client


@pytest.fixture
def drift(report: Callable[..., Report], finding: Callable[..., Finding]) -> Report:
    return report(finding())


def test_the_first_drift_opens_an_issue(github: GitHub, server: StandIn, drift: Report) -> None:
    assert settle(github, drift)[0] == "Opened an issue"
    (opened,) = server.issues
    assert opened["title"] == ("Drift of the stack dev: 1 difference in 1 resource, 1 critical")
    assert opened["body"].startswith(marker("dev"))
    assert "adminUserEnabled" in opened["body"]


def test_the_same_drift_leaves_it_alone(github: GitHub, server: StandIn, drift: Report) -> None:
    settle(github, drift)
    assert settle(github, drift)[0] == "Left the issue unchanged"
    assert len(server.issues) == 1
    assert not any(line.startswith("PATCH") for line in server.asked)


def test_another_drift_updates_it(
    github: GitHub,
    server: StandIn,
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
    github: GitHub, server: StandIn, drift: Report, report: Callable[..., Report]
) -> None:
    settle(github, drift)
    assert settle(github, report())[0] == "Closed the issue"
    assert (server.issues[0]["state"], server.issues[0]["state_reason"]) == ("closed", "completed")
    assert server.comments == {1: ["In sync again."]}
    assert "adminUserEnabled" in server.issues[0]["body"]


def test_in_sync_without_an_issue_does_nothing(
    github: GitHub, server: StandIn, report: Callable[..., Report]
) -> None:
    assert settle(github, report()) == ("No issue is open, and none is needed", None)
    assert [line.split()[0] for line in server.asked] == ["GET"]


def test_a_closed_issue_is_not_opened_again(github: GitHub, server: StandIn, drift: Report) -> None:
    server.add(state="closed", body=f"{marker('dev')}\nold")
    assert settle(github, drift)[0] == "Opened an issue"
    assert [one["state"] for one in server.issues] == ["closed", "open"]


def test_it_is_found_on_a_later_page_and_pull_requests_are_none(
    github: GitHub, server: StandIn, drift: Report
) -> None:
    server.add(body=f"{marker('dev')}\n", pull_request={})
    for number in range(7):
        server.add(body=f"issue {number}")
    own = server.add(body=f"{marker('dev')}\nold", title="old")
    assert settle(github, drift)[0] == "Updated the issue"
    assert own["title"].startswith("Drift of the stack dev")
    assert len(server.issues) == 9


def test_each_stack_has_its_own(
    github: GitHub, server: StandIn, finding: Callable[..., Finding]
) -> None:
    for stack in ("dev", "prod", "dev --> @everyone"):
        settle(github, Report(stack, (finding(),)))
    assert len(server.issues) == 3
    assert all("@everyone" not in one["body"].splitlines()[0] for one in server.issues)


def test_an_issue_that_a_failing_server_opened_is_not_opened_twice(
    github: GitHub, server: StandIn, drift: Report
) -> None:
    server.planned["POST"] = [Answer(502, did_it=True)]
    assert settle(github, drift)[0] == "Left the issue unchanged"
    assert len(server.issues) == 1


def test_a_server_that_fails_for_long_is_an_error(
    github: GitHub, server: StandIn, drift: Report
) -> None:
    server.planned["POST"] = [Answer(502)] * 9
    with pytest.raises(GitHubError, match="HTTP 502"):
        settle(github, drift)


@pytest.mark.parametrize(("status", "said"), [(403, "permission"), (410, "switched off")])
def test_a_refusal_says_what_to_do(
    github: GitHub, server: StandIn, drift: Report, status: int, said: str
) -> None:
    server.planned["POST"] = [Answer(status)]
    with pytest.raises(GitHubError, match=said):
        settle(github, drift)


def test_a_broken_check_leaves_it_alone(
    server: StandIn, report: Callable[..., Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setenv("GITHUB_API_URL", server.url)
    said = issue.post(report(broken="Azure was not reached"), "o/r")
    assert said == "Left the issue as it is: the check broke"
    assert server.asked == []


def test_the_environment_says_where(
    server: StandIn, drift: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setenv("GITHUB_API_URL", server.url)
    monkeypatch.setenv("GITHUB_REPOSITORY", "o/r")
    assert issue.post(drift) == "Opened an issue: http://i/1"
    monkeypatch.delenv("GITHUB_TOKEN")
    with pytest.raises(DriftError, match="the issue was not written: GITHUB_TOKEN is not set"):
        issue.post(drift)
