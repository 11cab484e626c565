"""The client of GitHub's REST API, over real HTTP: what it waits for, and what it says."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from infra.github.client import ATTEMPTS, Access, GitHub, GitHubError, GoneError, ServerError
from tests.support.answering import answering
from tests.support.github_api import TOKEN, Answer, Comments

LIST = "issues/7/comments"
SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}


@pytest.fixture
def server() -> Iterator[Comments]:
    api = Comments()
    with answering(api):
        yield api


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def github(server: Comments, pauses: list[float]) -> Iterator[GitHub]:
    with GitHub(Access("o/r", TOKEN, server.url), pauses.append) as client:
        yield client


@pytest.fixture
def workflow(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_API_URL", "GITHUB_LOGIN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITHUB_TOKEN", f" {TOKEN}\n")
    monkeypatch.setenv("GITHUB_REPOSITORY", "o/r")


@pytest.mark.usefixtures("workflow")
def test_a_workflow_says_where_and_as_whom(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Access.from_environment() == Access("o/r", TOKEN, "https://api.github.com", "")
    assert Access.from_environment("other/r_1.x") == Access("other/r_1.x", TOKEN)
    monkeypatch.setenv("GITHUB_LOGIN", " my-app[bot] ")
    for api in ("https://github.example/api/v3", "http://127.0.0.1:80", "http://localhost"):
        monkeypatch.setenv("GITHUB_API_URL", f"{api}/")
        assert Access.from_environment() == Access("o/r", TOKEN, api, "my-app[bot]")


@pytest.mark.usefixtures("workflow")
@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("GITHUB_TOKEN", None, "GITHUB_TOKEN is not set"),
        ("GITHUB_TOKEN", " ", "GITHUB_TOKEN is not set"),
        ("GITHUB_TOKEN", "a b", "printable ASCII"),
        ("GITHUB_TOKEN", "ä", "printable ASCII"),
        ("GITHUB_REPOSITORY", None, "the repository is ''; allowed: OWNER/NAME"),
        ("GITHUB_REPOSITORY", "o/r/x", "the repository is 'o/r/x'; allowed: OWNER/NAME"),
        ("GITHUB_REPOSITORY", "ö/r", "the repository is 'ö/r'; allowed: OWNER/NAME"),
        ("GITHUB_API_URL", "http://github.example", "only sent over https"),
        ("GITHUB_API_URL", "http://127.0.0.1.example", "only sent over https"),
        ("GITHUB_API_URL", "https://", "only sent over https"),
        ("GITHUB_API_URL", "ftp://localhost", "only sent over https"),
    ],
)
def test_what_cannot_be_used_of_the_environment_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str | None, word: str
) -> None:
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    with pytest.raises(GitHubError) as caught:
        Access.from_environment()
    assert word in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_a_list_is_asked_for_in_the_largest_pages(github: GitHub, server: Comments) -> None:
    for number in range(6):
        server.write(str(number), "somebody")
    assert [one["body"] for one in github.pages(LIST)] == list("012345")
    list(github.pages(f"/{LIST}?since=2026"))
    first, second, third, _ = server.asked
    assert first == f"GET /repos/o/r/{LIST}?per_page=100"
    assert second.startswith(f"GET /repos/o/r/{LIST}?page=2")
    assert third == f"GET /repos/o/r/{LIST}?since=2026&per_page=100"


def test_what_is_no_object_in_a_list_is_left_out(github: GitHub, server: Comments) -> None:
    server.planned["GET"].append(Answer(200, body=[{"a": 1}, None, "x", [2], {"b": 2}]))
    assert list(github.pages(LIST)) == [{"a": 1}, {"b": 2}]


def test_a_call_that_was_not_answered_is_repeated_unless_it_may_have_been_done(
    server: Comments, pauses: list[float]
) -> None:
    for method, calls in (("GET", ATTEMPTS), ("PATCH", ATTEMPTS), ("POST", 1)):
        pauses.clear()
        access = Access("o/r", TOKEN, "http://127.0.0.1:1")
        with (
            GitHub(access, pauses.append) as client,
            pytest.raises(ServerError, match=r"GitHub was not reached: .*refused"),
        ):
            client.call(method, LIST, {})
        assert pauses == [2.0**number for number in range(calls - 1)]


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_every_redirect_is_followed_three_times_and_counts_as_no_attempt(
    github: GitHub, server: Comments, pauses: list[float], status: int
) -> None:
    here = Answer(status, {"location": f"/repos/o/r/{LIST}"})
    server.planned["POST"] += [here] * 3
    assert github.call("POST", LIST, {"body": "x"})["body"] == "x"
    server.planned["GET"] += [here, here, here, *[Answer(503)] * (ATTEMPTS - 1)]
    assert [one["body"] for one in github.pages(LIST)] == ["x"]
    assert len(pauses) == ATTEMPTS - 1
    server.planned["GET"] += [here] * 4
    with pytest.raises(GitHubError, match=f"sends /repos/o/r/{LIST} on again and again"):
        list(github.pages(LIST))


def test_waits_add_up_to_ten_minutes_at_most(
    github: GitHub, server: Comments, pauses: list[float]
) -> None:
    server.planned["GET"] += [Answer(429, {"retry-after": "300"})] * 2
    assert list(github.pages(LIST)) == []
    assert pauses == [300.0, 300.0]
    server.planned["GET"] += [Answer(429, {"retry-after": "301"})] * 2
    with pytest.raises(GitHubError, match=r"used up; try again later$"):
        list(github.pages(LIST))
    assert pauses[2:] == [301.0]


@pytest.mark.parametrize(
    ("said", "waits"),
    [
        ("API Rate Limit exceeded", [60.0]),
        ("You triggered an Abuse Detection mechanism", [60.0]),
        ("no rights", []),
    ],
)
def test_a_403_is_a_limit_where_it_says_so(
    github: GitHub, server: Comments, pauses: list[float], said: str, waits: list[float]
) -> None:
    server.planned["GET"].append(Answer(403, body={"message": said}))
    if waits:
        list(github.pages(LIST))
    else:
        with pytest.raises(GitHubError, match="permission"):
            list(github.pages(LIST))
    assert pauses == waits


@pytest.mark.parametrize(
    ("answers", "login"),
    [
        ([Answer(200, body={"login": "octocat"})], "octocat"),
        ([Answer(200, body={"name": "x"})], "github-actions[bot]"),
        ([Answer(429, {"retry-after": "1"}), Answer(403)], "github-actions[bot]"),
    ],
)
def test_whose_token_it_is_is_asked_like_everything_else(
    github: GitHub, server: Comments, answers: list[Answer], login: str
) -> None:
    server.planned["GET"] += answers
    assert github.login() == login
    assert {*server.asked} == {"GET /user"}


def test_a_token_that_is_refused_is_no_bot(github: GitHub, server: Comments) -> None:
    server.planned["GET"].append(Answer(401, body={"message": "Bad credentials"}))
    with pytest.raises(GitHubError, match=r"HTTP 401 to GET /user \(Bad credentials\)"):
        github.login()


@pytest.mark.parametrize(("length", "end"), [(300, "x)"), (301, "x...)")])
def test_a_long_reason_is_cut(github: GitHub, server: Comments, length: int, end: str) -> None:
    server.planned["GET"].append(Answer(400, body={"message": "x" * length}))
    with pytest.raises(GitHubError) as caught:
        list(github.pages(LIST))
    assert f"({'x' * 300}" in str(caught.value)
    assert f"{end}: the request was refused" in str(caught.value)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ([1], ": "),
        ({"errors": [{"field": "body", "code": "missing"}]}, " (body missing): "),
        ({"errors": [{"code": "missing"}, {}, "", "more"]}, " (missing; more): "),
        ({"message": "", "errors": [{"field": "a", "message": "is bad"}]}, " (is bad): "),
    ],
)
def test_the_reason_is_put_together_from_what_github_names(
    github: GitHub, server: Comments, body: object, told: str
) -> None:
    server.planned["PATCH"].append(Answer(422, body=body))
    with pytest.raises(GitHubError) as caught:
        github.call("PATCH", "issues/comments/1", {})
    assert str(caught.value) == (
        f"GitHub answered HTTP 422 to PATCH /repos/o/r/issues/comments/1{told}"
        "the request was not accepted as it is"
    )


@pytest.mark.parametrize(
    ("status", "remedy"), [(404, "check repository and number"), (410, "it is switched off")]
)
def test_what_is_gone_says_what_to_do(
    github: GitHub, server: Comments, status: int, remedy: str
) -> None:
    server.planned["GET"].append(Answer(status))
    with pytest.raises(GoneError, match=remedy):
        list(github.pages(LIST))


@pytest.mark.parametrize(
    ("answer", "got"),
    [
        (Answer(200, {"content-type": "text/html"}, body=b"<p>"), "text/html"),
        (Answer(200, body=b"<p>"), "no content type"),
        (Answer(200, body=b""), "an empty body"),
    ],
)
def test_an_answer_that_is_not_understood_says_what_came_and_where(
    github: GitHub, server: Comments, answer: Answer, got: str
) -> None:
    server.planned["POST"].append(answer)
    with pytest.raises(ServerError) as caught:
        github.call("POST", LIST, {})
    assert str(caught.value).startswith(
        f"GitHub answered {got} in place of JSON to POST /repos/o/r/{LIST}; "
    )


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
