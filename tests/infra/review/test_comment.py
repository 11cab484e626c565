"""One comment a stack, against a local stand-in of GitHub's API over real HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from infra.github.client import ATTEMPTS, Access, GitHub, GitHubError
from infra.review import comment
from infra.review.comment import marker, upsert
from infra.review.errors import ReviewError
from tests.support.github_api import TOKEN, Answer, GitHubApi


class StandIn(GitHubApi):
    """Comments of one pull request, five a page."""

    def __init__(self) -> None:
        super().__init__()
        self.comments: list[dict[str, Any]] = []
        self.elsewhere = False

    def do(
        self, method: str, path: str, content: dict[str, Any]
    ) -> tuple[int, Any, dict[str, str]]:
        comments = self.comments
        address = urlsplit(path)
        if method == "GET" and address.path == "/repos/o/r/issues/7/comments":
            page = int(parse_qs(address.query).get("page", ["1"])[0])
            shown = comments[(page - 1) * 5 : page * 5]
            host = "http://evil.example" if self.elsewhere else self.url
            following = f'<{host}{address.path}?page={page + 1}>; rel="next"'
            return 200, shown, {"link": following} if page * 5 < len(comments) else {}
        if method == "POST" and address.path == "/repos/o/r/issues/7/comments":
            comments.append({"id": len(comments), "html_url": "http://c", **content})
            return 201, comments[-1], {}
        match = re.fullmatch(r"/repos/o/r/issues/comments/(\d+)", address.path)
        if method == "PATCH" and match:
            comments[int(match[1])] |= content
            return 200, comments[int(match[1])], {}
        return 404, {}, {}


@pytest.fixture
def server() -> Iterator[StandIn]:
    api = StandIn()
    with api.serving():
        yield api


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def github(server: StandIn, pauses: list[float]) -> Iterator[GitHub]:
    with GitHub(Access("o/r", TOKEN, server.url), pauses.append) as client:
        yield client


def others(server: StandIn, count: int) -> None:
    server.comments += [{"id": index, "body": f"comment {index}"} for index in range(count)]


def test_the_first_review_creates_a_comment_with_the_hidden_marker(
    github: GitHub, server: StandIn
) -> None:
    done, _ = upsert(github, 7, "dev", "report")
    assert done == "Created"
    assert [one["body"] for one in server.comments] == [f"{marker('dev')}\nreport"]


def test_the_next_review_updates_it_on_whatever_page_it_is(github: GitHub, server: StandIn) -> None:
    others(server, 13)
    upsert(github, 7, "dev", "one")
    others(server, 9)
    server.comments[:] = [{**one, "id": index} for index, one in enumerate(server.comments)]
    done, _ = upsert(github, 7, "dev", "two")
    assert done == "Updated"
    mine = [one["body"] for one in server.comments if one["body"].startswith("<!--")]
    assert mine == [f"{marker('dev')}\ntwo"]
    assert server.comments[13]["body"].endswith("two")


def test_the_same_review_again_writes_nothing(github: GitHub, server: StandIn) -> None:
    upsert(github, 7, "dev", "one")
    before = len(server.asked)
    done, _ = upsert(github, 7, "dev", "one")
    assert done == "Left unchanged"
    assert [line.split()[0] for line in server.asked[before:]] == ["GET"]


def test_each_stack_has_a_comment_of_its_own(github: GitHub, server: StandIn) -> None:
    for stack in ("dev", "prod", "dev", "-->"):
        upsert(github, 7, stack, stack)
    assert [one["body"].split("\n")[1] for one in server.comments] == ["dev", "prod", "-->"]
    assert all(one["body"].count("-->\n") == 1 for one in server.comments)


def test_a_comment_that_only_quotes_the_marker_is_left_alone(
    github: GitHub, server: StandIn
) -> None:
    server.comments.append({"id": 0, "body": f"> {marker('dev')}"})
    upsert(github, 7, "dev", "one")
    assert len(server.comments) == 2


@pytest.mark.parametrize(
    ("answer", "pause"),
    [
        (Answer(429, {"retry-after": "3"}), 3.0),
        (Answer(403, {"retry-after": "5"}), 5.0),
        (Answer(429), 60.0),
        (Answer(502), 1.0),
    ],
)
def test_rate_limits_and_server_errors_are_waited_for(
    github: GitHub, server: StandIn, pauses: list[float], answer: Answer, pause: float
) -> None:
    server.planned["GET"].append(answer)
    assert upsert(github, 7, "dev", "one")[0] == "Created"
    assert pauses == [pause]


def test_a_used_up_limit_is_waited_for_until_its_reset(
    github: GitHub, server: StandIn, pauses: list[float]
) -> None:
    server.planned["GET"].append(
        Answer(403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"})
    )
    upsert(github, 7, "dev", "one")
    assert pauses == [1.0]


def test_a_limit_that_lasts_too_long_is_an_error(github: GitHub, server: StandIn) -> None:
    server.planned["GET"].append(Answer(429, {"retry-after": "3600"}))
    with pytest.raises(GitHubError, match="rate limit"):
        upsert(github, 7, "dev", "one")


def test_a_creation_that_failed_after_all_is_not_done_twice(
    github: GitHub, server: StandIn
) -> None:
    server.planned["POST"].append(Answer(502, did_it=True))
    done, _ = upsert(github, 7, "dev", "one")
    assert done == "Left unchanged"
    assert len(server.comments) == 1


def test_a_creation_that_failed_is_done_again(github: GitHub, server: StandIn) -> None:
    server.planned["POST"].append(Answer(500))
    assert upsert(github, 7, "dev", "one")[0] == "Created"
    assert len(server.comments) == 1


def test_a_server_that_stays_down_is_an_error_after_a_few_tries(
    github: GitHub, server: StandIn, pauses: list[float]
) -> None:
    server.planned["GET"] += [Answer(503)] * 9
    with pytest.raises(GitHubError, match="HTTP 503"):
        upsert(github, 7, "dev", "one")
    assert len(server.asked) == ATTEMPTS
    assert pauses == [1.0, 2.0, 4.0, 8.0]


@pytest.mark.parametrize(("status", "word"), [(401, "GITHUB_TOKEN"), (403, "permission")])
def test_a_refusal_is_a_clear_error_and_is_not_repeated(
    github: GitHub, server: StandIn, status: int, word: str
) -> None:
    server.planned["GET"].append(Answer(status))
    with pytest.raises(GitHubError) as caught:
        upsert(github, 7, "dev", "one")
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(server.asked) == 1


def test_the_token_is_not_taken_to_another_host(github: GitHub, server: StandIn) -> None:
    others(server, 6)
    server.elsewhere = True
    with pytest.raises(GitHubError, match="another host"):
        upsert(github, 7, "dev", "one")


def test_nobody_listening_is_a_clear_error() -> None:
    with (
        GitHub(Access("o/r", TOKEN, "http://127.0.0.1:1"), lambda _: None) as client,
        pytest.raises(GitHubError, match="not reached"),
    ):
        upsert(client, 7, "dev", "one")


def test_the_workflow_environment_is_enough(
    server: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "GITHUB_TOKEN": TOKEN,
        "GITHUB_REPOSITORY": "o/r",
        "GITHUB_REF": "refs/pull/7/merge",
        "GITHUB_API_URL": server.url,
    }.items():
        monkeypatch.setenv(name, value)
    assert comment.post("dev", "one") == "Created the comment on pull request 7: http://c"


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("GITHUB_TOKEN", "", "GITHUB_TOKEN is not set"),
        ("GITHUB_REPOSITORY", "o", "OWNER/NAME"),
        ("GITHUB_REF", "refs/heads/main", "--pull-request"),
        ("GITHUB_API_URL", "http://api.example", "https"),
    ],
)
def test_a_missing_or_wrong_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, word: str
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setenv("GITHUB_REPOSITORY", "o/r")
    monkeypatch.setenv("GITHUB_REF", "refs/pull/7/merge")
    monkeypatch.setenv(name, value)
    with pytest.raises(ReviewError) as caught:
        comment.post("dev", "one")
    assert word in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_the_token_is_not_in_the_text_of_its_holder() -> None:
    assert TOKEN not in repr(Access("o/r", TOKEN))
