"""The client of GitHub's REST API, over real HTTP: what it waits for, and what it says."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from infra.github.client import ATTEMPTS, Access, GitHub, GitHubError, GoneError, ServerError
from tests.support.github_api import TOKEN, Answer, Comments

LIST = "issues/7/comments"
SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}


@pytest.fixture
def server() -> Iterator[Comments]:
    api = Comments()
    with api.serving():
        yield api


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def github(server: Comments, pauses: list[float]) -> Iterator[GitHub]:
    with GitHub(Access("o/r", TOKEN, server.url), pauses.append) as client:
        yield client


@pytest.mark.parametrize(
    ("answers", "waits"),
    [
        ([Answer(429, {"retry-after": "3"})], [3.0]),
        ([Answer(403, {"retry-after": "5"})], [5.0]),
        ([Answer(429)], [60.0]),
        ([Answer(403, body=SECONDARY)] * 3, [60.0, 120.0, 240.0]),
        ([Answer(403, {"x-ratelimit-remaining": "0"})], [60.0]),
        ([Answer(403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"})], [1.0]),
        ([Answer(502)], [1.0]),
        ([Answer(502), Answer(429, {"retry-after": "7"}), Answer(503)], [1.0, 7.0, 4.0]),
    ],
)
def test_limits_are_waited_for_as_documented_and_server_errors_shortly(
    github: GitHub, server: Comments, pauses: list[float], answers: list[Answer], waits: list[float]
) -> None:
    server.planned["GET"] += answers
    assert list(github.pages(LIST)) == []
    assert pauses == waits


def test_a_used_up_limit_is_waited_for_until_its_reset(
    github: GitHub, server: Comments, pauses: list[float]
) -> None:
    reset = str(int(time.time()) + 100)
    server.planned["GET"].append(
        Answer(429, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset})
    )
    list(github.pages(LIST))
    assert 80 < pauses[0] <= 101


@pytest.mark.parametrize(
    "answers",
    [
        [Answer(429, {"retry-after": "3600"}, body=SECONDARY)],
        [Answer(403, body=SECONDARY)] * 9,
        [Answer(429, {"retry-after": "1"}, body=SECONDARY)] * 9,
    ],
)
def test_a_limit_that_lasts_too_long_is_an_error_with_githubs_words(
    github: GitHub, server: Comments, pauses: list[float], answers: list[Answer]
) -> None:
    server.planned["GET"] += answers
    with pytest.raises(GitHubError, match=r"rate limit is used up.*exceeded a secondary"):
        list(github.pages(LIST))
    assert sum(pauses) <= 600
    assert len(server.asked) <= ATTEMPTS


def test_a_server_that_stays_down_is_an_error_after_a_few_tries(
    github: GitHub, server: Comments, pauses: list[float]
) -> None:
    server.planned["GET"] += [Answer(503)] * 9
    with pytest.raises(ServerError, match="HTTP 503"):
        list(github.pages(LIST))
    assert len(server.asked) == ATTEMPTS
    assert pauses == [1.0, 2.0, 4.0, 8.0]


def test_a_post_is_not_repeated_after_a_server_error(github: GitHub, server: Comments) -> None:
    server.planned["POST"] += [Answer(502)] * 2
    with pytest.raises(ServerError):
        github.call("POST", LIST, {"body": "x"})
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, {"message": "Bad credentials"}, ["(Bad credentials)", "GITHUB_TOKEN"]),
        (
            403,
            {"message": "Resource not accessible by integration"},
            ["(Resource not accessible by integration)", "permission"],
        ),
        (403, {"message": "Issue is locked."}, ["(Issue is locked.)", "unlock"]),
        (
            422,
            {
                "message": "Validation Failed",
                "errors": [
                    {"resource": "IssueComment", "field": "data", "code": "unprocessable"},
                    {"message": "body is too long (maximum is 65536 characters)"},
                    "another",
                ],
            },
            ["(Validation Failed; data unprocessable; body is too long", "; another)"],
        ),
        (403, b"<html>blocked</html>", ["permission"]),
        (400, {"message": 7, "errors": 8}, ["HTTP 400", "refused"]),
        (422, {"message": "a\nb\x1b[31m" + "x" * 999}, ["(a b [31mxxx", "...)"]),
    ],
)
def test_a_refusal_is_one_line_with_githubs_own_reason_and_is_not_repeated(
    github: GitHub, server: Comments, status: int, body: object, words: list[str]
) -> None:
    server.planned["PATCH"].append(Answer(status, body=body))
    with pytest.raises(GitHubError) as caught:
        github.call("PATCH", "issues/comments/1", {"body": "x"})
    for word in words:
        assert word in str(caught.value)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 600
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_not_there_is_told_from_a_refusal(
    github: GitHub, server: Comments, status: int
) -> None:
    server.planned["PATCH"].append(Answer(status))
    with pytest.raises(GoneError):
        github.call("PATCH", "issues/comments/1", {})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html>sign in to the network</html>", "text/html"),
        (b"", "an empty body"),
        (b"\xff\xfe", "text/html"),
        (b'"text"', "in place of a list"),
    ],
)
def test_what_is_not_json_is_one_line_and_no_traceback(
    github: GitHub, server: Comments, body: bytes, said: str
) -> None:
    server.planned["GET"].append(Answer(200, {"content-type": "text/html"}, body=body))
    with pytest.raises(ServerError, match=said) as caught:
        list(github.pages(LIST))
    assert "GITHUB_API_URL" in str(caught.value)
    server.planned["PATCH"].append(Answer(200, body=[1]))
    with pytest.raises(ServerError, match="in place of an object"):
        github.call("PATCH", "issues/comments/1", {})


def test_a_renamed_repository_is_followed_with_the_same_method_and_body(
    github: GitHub, server: Comments
) -> None:
    server.moved = f"{server.url}/repositories/1"
    made = github.call("POST", LIST, {"body": "x"})
    github.call("PATCH", f"issues/comments/{made['id']}", {"body": "y"})
    assert [one["body"] for one in github.pages(LIST)] == ["y"]


@pytest.mark.parametrize("place", ["http://evil.example/x", "//evil.example/x", "ftp://127.0.0.1"])
def test_the_token_is_not_taken_to_another_host(
    github: GitHub, server: Comments, place: str
) -> None:
    server.moved = place
    with pytest.raises(GitHubError, match="another host"):
        list(github.pages(LIST))
    assert len(server.asked) == 1


def test_a_next_page_on_another_host_is_not_followed(github: GitHub, server: Comments) -> None:
    for number in range(6):
        server.write(str(number), "somebody")
    server.next_host = "http://evil.example"
    with pytest.raises(GitHubError, match="another host"):
        list(github.pages(LIST))


def test_a_repository_that_moves_in_a_circle_is_an_error(github: GitHub, server: Comments) -> None:
    server.moved = "/repos/o/r"
    with pytest.raises(GitHubError, match="again and again"):
        list(github.pages(LIST))


def test_the_token_of_a_workflow_is_the_bots_and_any_other_its_users(
    github: GitHub, server: Comments
) -> None:
    assert github.login() == "github-actions[bot]"
    assert github.login() == "github-actions[bot]"
    assert server.asked == ["GET /user"]
    server.user = "octocat"
    with GitHub(Access("o/r", TOKEN, server.url)) as other:
        assert other.login() == "octocat"
    with GitHub(Access("o/r", TOKEN, server.url, "my-app[bot]")) as app:
        assert app.login() == "my-app[bot]"


def test_nobody_listening_is_a_clear_error() -> None:
    with (
        GitHub(Access("o/r", TOKEN, "http://127.0.0.1:1"), lambda _: None) as client,
        pytest.raises(ServerError, match="not reached"),
    ):
        list(client.pages(LIST))


def test_the_token_is_not_in_the_text_of_its_holder() -> None:
    assert TOKEN not in repr(Access("o/r", TOKEN))
