"""One text of ours, whatever others write, delete or break meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.github.client import Access, GitHub, GitHubError
from infra.github.keep_one import OPEN_ISSUES, Done, comments, find, keep, marker
from tests.support.answering import answering
from tests.support.github_api import TOKEN, Answer, Comments, Issues

FIRST = marker("infra-review", "mnist", "dev")
PLACE = comments(7)


@pytest.fixture
def server() -> Iterator[Comments]:
    api = Comments()
    with answering(api):
        yield api


@pytest.fixture
def github(server: Comments) -> Iterator[GitHub]:
    with GitHub(Access("o/r", TOKEN, server.url), lambda _: None) as client:
        yield client


def put(github: GitHub, text: str) -> Done:
    return keep(github, PLACE, FIRST, text)[0]


def test_it_is_made_changed_and_left(github: GitHub, server: Comments) -> None:
    assert [put(github, text) for text in ("one", "two", "two")] == ["made", "changed", "left"]
    assert [one["body"] for one in server.comments] == [f"{FIRST}\ntwo"]


def test_it_is_found_on_whatever_page_it_is(github: GitHub, server: Comments) -> None:
    for number in range(13):
        server.write(f"comment {number}", "somebody")
    put(github, "one")
    for number in range(9):
        server.write(f"comment {number}", "somebody")
    assert put(github, "two") is Done.CHANGED
    assert server.comments[13]["body"].endswith("two")


@pytest.mark.parametrize("user", [None, "octocat"])
def test_a_marker_that_somebody_else_posted_first_is_neither_edited_nor_counted(
    github: GitHub, server: Comments, user: str | None
) -> None:
    server.user = user
    server.write(f"{FIRST}\nnothing to worry about", "mallory")
    assert put(github, "one") is Done.MADE
    assert put(github, "two") is Done.CHANGED
    assert [one["body"].split("\n")[1] for one in server.comments] == [
        "nothing to worry about",
        "two",
    ]


def test_a_text_whose_author_is_gone_is_not_ours(github: GitHub, server: Comments) -> None:
    server.write(f"{FIRST}\nold", "x")["user"] = None
    assert put(github, "one") is Done.MADE


def test_a_text_that_only_quotes_the_marker_is_left_alone(github: GitHub, server: Comments) -> None:
    server.write(f"> {FIRST}", "github-actions[bot]")
    assert put(github, "one") is Done.MADE


def test_who_asks_is_not_asked_where_there_is_no_marker(github: GitHub, server: Comments) -> None:
    server.write("hello", "somebody")
    assert find(github, PLACE, FIRST) is None
    assert not any("/user" in line for line in server.asked)


def test_one_that_vanishes_between_look_and_change_is_made_anew(
    github: GitHub, server: Comments
) -> None:
    put(github, "one")
    server.on_patch = server.comments.clear
    assert put(github, "two") is Done.MADE
    assert [one["body"] for one in server.comments] == [f"{FIRST}\ntwo"]


def test_a_creation_that_failed_after_all_is_not_done_twice(
    github: GitHub, server: Comments
) -> None:
    server.planned["POST"].append(Answer(502, did_it=True))
    assert put(github, "one") is Done.LEFT
    assert len(server.comments) == 1


def test_a_creation_whose_answer_is_no_json_is_not_done_twice(
    github: GitHub, server: Comments
) -> None:
    server.planned["POST"].append(Answer(200, did_it=True, body=b"<html>"))
    assert put(github, "one") is Done.LEFT
    assert len(server.comments) == 1


def test_a_creation_that_failed_is_done_again_and_not_for_ever(
    github: GitHub, server: Comments
) -> None:
    server.planned["POST"].append(Answer(500))
    assert put(github, "one") is Done.MADE
    server.comments.clear()
    server.planned["POST"] += [Answer(500)] * 9
    with pytest.raises(GitHubError, match="HTTP 500"):
        put(github, "one")
    assert sum(line.startswith("POST") for line in server.asked) == 2 + 3


def test_a_place_that_is_not_there_is_an_error_at_once(github: GitHub, server: Comments) -> None:
    server.planned["POST"].append(Answer(404))
    with pytest.raises(GitHubError, match="check repository and number"):
        put(github, "one")
    assert sum(line.startswith("POST") for line in server.asked) == 1


def test_the_marker_is_what_it_was_when_todays_comments_were_written() -> None:
    assert FIRST == "<!-- infra-review 2a6089ddaecc43dc -->"


def test_the_marker_holds_purpose_project_and_stack_and_cannot_end_early() -> None:
    names = [("a", "b", "c"), ("a", "b", "d"), ("a", "d", "c"), ("e", "b", "c"), ("a", "b-->", "c")]
    made = {marker(*each) for each in names} | {marker("a", "bc", ""), marker("a", "b", "c ")}
    assert len(made) == 7
    assert all(one.startswith("<!-- ") and one.count("-->") == 1 for one in made)


@pytest.fixture
def issues() -> Iterator[Issues]:
    api = Issues()
    with answering(api):
        yield api


def test_an_open_issue_is_kept_with_its_title_too(issues: Issues) -> None:
    for number in range(6):
        issues.add(title=str(number), body="another")
    issues.add(title="old", body=f"{FIRST}\nold", state="closed")
    # Pull requests are listed among the issues.
    issues.add(title="pull", body=f"{FIRST}\npull", pull_request={})
    with GitHub(Access("o/r", TOKEN, issues.url), lambda _: None) as client:
        said = [
            keep(client, OPEN_ISSUES, FIRST, text, title=title)[0]
            for text, title in (("one", "t"), ("one", "t"), ("one", "u"), ("two", "u"))
        ]
    assert said == [Done.MADE, Done.LEFT, Done.CHANGED, Done.CHANGED]
    *others, ours = issues.issues
    assert (ours["title"], ours["body"]) == ("u", f"{FIRST}\ntwo")
    assert [one["title"] for one in others[-2:]] == ["old", "pull"]


def test_the_oldest_of_several_is_the_one(issues: Issues) -> None:
    for number in range(7):
        issues.add(body=f"{FIRST}\n{number}")
    with GitHub(Access("o/r", TOKEN, issues.url), lambda _: None) as client:
        found = find(client, OPEN_ISSUES, FIRST)
    assert found
    assert found["number"] == 1


def test_one_without_a_text_is_not_ours(github: GitHub, server: Comments) -> None:
    server.write("", "github-actions[bot]")["body"] = None
    assert put(github, "one") is Done.MADE


@pytest.mark.parametrize("user", ["OctoCat", "octocat"])
def test_the_case_of_a_login_says_nothing(github: GitHub, server: Comments, user: str) -> None:
    server.user = user
    put(github, "one")
    server.comments[0]["user"] = {"login": user.swapcase()}
    assert find(github, PLACE, FIRST) == server.comments[0]


def test_what_vanishes_again_and_again_is_given_up(github: GitHub, server: Comments) -> None:
    put(github, "one")
    server.planned["PATCH"] += [Answer(404)] * 9
    with pytest.raises(GitHubError, match="check repository and number"):
        put(github, "two")
    assert sum(line.startswith("PATCH") for line in server.asked) == 3


def test_what_was_done_is_told_with_what_github_made_of_it(
    github: GitHub, server: Comments
) -> None:
    made = keep(github, PLACE, FIRST, "one")
    changed = keep(github, PLACE, FIRST, "two")
    left = keep(github, PLACE, FIRST, "two")
    assert [(done, one["body"][-3:], one["html_url"]) for done, one in (made, changed, left)] == [
        ("made", "one", "http://c/0"),
        ("changed", "two", "http://c/0"),
        ("left", "two", "http://c/0"),
    ]
