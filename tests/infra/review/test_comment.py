"""One comment a project and stack, against a local stand-in of GitHub's API over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.github.keep_one import marker
from infra.review import comment
from infra.review.errors import ReviewError
from tests.support.answering import answering
from tests.support.github_api import TOKEN, Answer, Comments


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Comments]:
    api = Comments()
    for name, value in {
        "GITHUB_TOKEN": TOKEN,
        "GITHUB_REPOSITORY": "o/r",
        "GITHUB_REF": "refs/pull/7/merge",
        "GITHUB_API_URL": api.url,
    }.items():
        monkeypatch.setenv(name, value)
    with answering(api):
        yield api


def test_the_workflow_environment_is_enough(server: Comments) -> None:
    said = comment.post("mnist", "dev", "one")
    assert said == "Created the comment on pull request 7: http://c/0"
    assert [one["body"] for one in server.comments] == [
        f"{marker('infra-review', 'mnist', 'dev')}\none"
    ]


def test_where_to_comment_can_be_named_in_place_of_the_workflows_own(
    server: Comments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_REPOSITORY", "another/repository")
    monkeypatch.setenv("GITHUB_REF", "refs/pull/9/merge")
    comment.post("mnist", "dev", "one", "o/r", 7)
    assert [one["body"].endswith("\none") for one in server.comments] == [True]
    monkeypatch.setenv("GITHUB_REF", "refs/pull/7/head")
    assert comment.post("mnist", "dev", "two", "o/r").startswith("Updated the comment")


def test_a_comment_whose_address_github_does_not_tell_is_made_all_the_same(
    server: Comments,
) -> None:
    server.planned["POST"].append(Answer(201, body={"id": 1}))
    assert comment.post("mnist", "dev", "one") == "Created the comment on pull request 7"


def test_outside_of_a_workflow_the_number_is_asked_for(
    server: Comments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_REF")
    with pytest.raises(ReviewError, match="name it with --pull-request"):
        comment.post("mnist", "dev", "one")


def test_the_next_review_updates_it_and_the_same_one_writes_nothing(server: Comments) -> None:
    comment.post("mnist", "dev", "one")
    assert comment.post("mnist", "dev", "two").startswith("Updated the comment")
    before = len(server.asked)
    assert comment.post("mnist", "dev", "two").startswith("Left unchanged the comment")
    assert not any(line.startswith(("POST", "PATCH")) for line in server.asked[before:])
    assert len(server.comments) == 1


def test_two_projects_with_a_stack_of_one_name_have_a_comment_each(server: Comments) -> None:
    for project, stack in (("a", "dev"), ("b", "dev"), ("a", "prod"), ("a", "dev"), ("a", "-->")):
        comment.post(project, stack, f"{project} {stack}")
    shown = [one["body"].split("\n") for one in server.comments]
    assert [lines[1] for lines in shown] == ["a dev", "b dev", "a prod", "a -->"]
    assert all(lines[0].count("-->") == 1 for lines in shown)


def test_a_locked_conversation_is_said_with_githubs_own_reason(server: Comments) -> None:
    reason = "Unable to create comment because issue is locked."
    server.planned["POST"].append(Answer(403, body={"message": reason}))
    with pytest.raises(ReviewError) as caught:
        comment.post("mnist", "dev", "one")
    assert reason in str(caught.value)
    assert "unlock it, or read the report in the job's summary" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("GITHUB_TOKEN", "", "GITHUB_TOKEN is not set"),
        ("GITHUB_TOKEN", "a\nb", "printable ASCII"),
        ("GITHUB_REPOSITORY", "o", "OWNER/NAME"),
        ("GITHUB_REF", "refs/heads/main", "--pull-request"),
        ("GITHUB_API_URL", "http://api.example", "https"),
        ("GITHUB_API_URL", "https://", "https"),
        ("GITHUB_API_URL", "ftp://127.0.0.1", "https"),
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
        comment.post("mnist", "dev", "one")
    assert word in str(caught.value)
    assert "\n" not in str(caught.value)
    assert TOKEN not in str(caught.value)
