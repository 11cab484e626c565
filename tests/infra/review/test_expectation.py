"""What was reviewed is what is deployed, or it is said what moved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.review import expectation
from infra.review.digest import key_of
from infra.review.errors import ReviewError
from infra.review.expectation import Review
from infra.review.machine_formats import document
from infra.review.report import Report

Build = Callable[..., Report]
Make = Callable[..., Any]
KEY = key_of(["open-sesame-street"])


def moved(reviewed: Report, now: Report) -> list[str]:
    return expectation.moved(Review.model_validate_json(document(reviewed)), now)


def test_nothing_moved_where_nothing_did(
    build: Build, group: Make, group_change: Make, outputs: Make
) -> None:
    events = [group_change(group(), group(cpu=2)), outputs({"fqdn": "a"}, {"fqdn": "b"})]
    assert moved(build(*events, key=KEY), build(*events, key=KEY)) == []


def test_another_value_is_told_with_both(build: Build, group: Make, group_change: Make) -> None:
    was, now = (build(group_change(group(), group(cpu=cpu)), key=KEY) for cpu in (2, 4))
    assert moved(was, now) == [
        "`containerinstance:ContainerGroup scoring-group` "
        "`containers[0].resources.requests.cpu scoring`: `1` -> `2` was reviewed, now `1` -> `4`"
    ]


def test_a_property_that_was_reviewed_or_is_changed_alone_is_told_with_what_it_was_else(
    build: Build, step: Make
) -> None:
    old = {"accessTier": "Hot", "kind": "a"}
    was, now = (
        build(step("update", "s", old=old, new={**old, name: "b"}))
        for name in ("accessTier", "kind")
    )
    name = "`storage:StorageAccount s`"
    assert moved(was, now) == [
        f"{name} `accessTier`: `Hot` -> `b` was reviewed, now no change",
        f"{name} `kind`: no change was reviewed, now `a` -> `b`",
    ]


def test_a_resource_that_came_went_or_is_changed_otherwise_is_told(
    build: Build, step: Make
) -> None:
    old, new = {"accessTier": "Hot"}, {"accessTier": "Cool"}
    update = step("update", "s", old=old, new=new)
    replace = step("replace", "s", old=old, new=new, keys=["accessTier"])
    create = step("create", "s", new=new)
    none = step("same", "s", old=old, new=old)
    name = "`storage:StorageAccount s`"
    assert moved(build(update), build(replace)) == [
        f"{name}: **update** was reviewed, now **replace**"
    ]
    assert moved(build(none), build(create)) == [f"{name}: **create** was not reviewed"]
    assert moved(build(update), build(none)) == [f"{name}: **update** was reviewed, now nothing is"]


def test_a_hidden_value_that_is_another_one_is_noticed_and_stays_hidden(
    build: Build, step: Make
) -> None:
    was, now = (
        build(step("update", "s", old={"secretive": "a"}, new={"secretive": each}), key=KEY)
        for each in ("b", "c")
    )
    (line,) = moved(was, now)
    assert "a value that is not shown" in line


def test_another_secret_of_the_stack_is_noticed(
    build: Build, group: Make, group_change: Make
) -> None:
    event = group_change(
        group(), group(), diff={"containers[0].environmentVariables[2].secureValue": "update"}
    )
    other = key_of(["open-sesame-avenue"])
    assert len(moved(build(event, key=KEY), build(event, key=other))) == 1


def test_a_digest_tells_nobody_a_value_who_does_not_know_the_secrets(
    build: Build, step: Make
) -> None:
    event = step("update", "s", old={"pin": "1"}, new={"pin": "2"})
    made = [build(event, key=key_of([secret])) for secret in ("one-key", "other-key")]
    assert made[0].changes[0].digest != made[1].changes[0].digest
    assert len(made[0].changes[0].digest) == 64


def test_an_output_that_is_another_one_is_told(build: Build, outputs: Make) -> None:
    was, now = (build(outputs({"fqdn": "a.b"}, {"fqdn": each})) for each in ("c.d", "e.f"))
    assert moved(was, now) == ["output `fqdn`: `a.b` -> `c.d` was reviewed, now `a.b` -> `e.f`"]


def test_the_review_of_another_stack_is_no_review_of_this_one(build: Build) -> None:
    expected = Review(stack="prod", changes=[], outputs=[])
    assert expectation.moved(expected, build()) == ["the stack: `prod` was reviewed"]


def test_a_review_is_read_as_it_was_written(
    tmp_path: Path, build: Build, group: Make, group_change: Make, outputs: Make
) -> None:
    made = build(group_change(group(), group(cpu=2)), outputs({}, {"fqdn": "b"}), key=KEY)
    (tmp_path / "review.json").write_text(document(made))
    expected = expectation.read(tmp_path / "review.json")
    assert expected == Review.model_validate_json(document(made))
    assert expectation.moved(expected, made) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot read"),
        ("{", "cannot read"),
        ("[]", "is no review"),
        ("{}", "is no review"),
        ('{"stack": "dev", "changes": [1], "outputs": []}', "is no review"),
        ('{"stack": "dev", "changes": [], "outputs": 3}', "is no review"),
        ('{"stack": 1, "changes": [], "outputs": []}', "is no review"),
    ],
)
def test_a_file_that_is_no_review_is_a_one_line_error(
    tmp_path: Path, content: str | None, said: str
) -> None:
    file = tmp_path / "review.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ReviewError, match=said) as caught:
        expectation.read(file)
    assert "\n" not in str(caught.value)
