"""What Azure refuses as a tag is refused before anything is touched."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from typing import Any

import pytest

from infra.configuration import tags
from infra.settings import SettingError
from tests.infra.test_program import SERVICE

Run = Callable[..., Any]


@pytest.mark.parametrize(
    ("wrong", "allowed"),
    [
        ({"modelSha256": "x"}, "which the program sets"),
        ({"MODELSHA256": "x"}, "MODELSHA256 and modelSha256 are one to Azure"),
        ({"team": "a", "Team": "b"}, "Team and team are one to Azure"),
        ({"": "x"}, "names of 1 to 128 characters"),
        ({"n" * 129: "x"}, "names of 1 to 128 characters"),
        ({"a<b": "x"}, "names without <"),
        ({"a>b": "x"}, "names without >"),
        ({"a%b": "x"}, "names without %"),
        ({"a&b": "x"}, "names without &"),
        ({"a\\b": "x"}, "names without \\"),
        ({"a?b": "x"}, "names without ?"),
        ({"a/b": "x"}, "names without /"),
        ({"a\nb": "x"}, r"names without '\n'"),
        ({"microsoft.x": "x"}, "names that do not begin with microsoft, azure, windows"),
        ({"AzureTeam": "x"}, "names that do not begin with microsoft, azure, windows"),
        ({"windows": "x"}, "names that do not begin with microsoft, azure, windows"),
        ({"cost": 4711}, "strings as values"),
        ({"cost": True}, "strings as values"),
        ({"cost": {"centre": "1"}}, "strings as values"),
        ({"team": "x" * 257}, "values of up to 256 characters"),
        ({f"t{index}": "x" for index in range(47)}, "at most 46 tags"),
    ],
)
def test_a_tag_that_azure_refuses_is_named_with_what_is_allowed(
    wrong: dict[str, Any], allowed: str
) -> None:
    assert [found for found, _ in tags.problems(wrong) if allowed in found]
    assert len(list(tags.problems(wrong))) == 1


def test_a_tag_that_azure_refuses_is_refused_by_the_program(run: Run) -> None:
    with pytest.raises(SettingError, match="sklearn-mnist-svc:tags"):
        run({"tags": {"a<b": "x"}})


@pytest.mark.parametrize(
    ("value", "typed"), [(4711, "4711"), (-5, "-5"), (True, "true"), ({"a": "it's"}, None)]
)
def test_a_number_is_written_as_a_string_with_the_command_that_is_told(
    value: Any, typed: str | None
) -> None:
    ((_, remedy),) = tags.problems({"cost.centre": value})
    said, _, command = remedy.partition(": ")
    assert said == "write it as one"
    *words, place, text = shlex.split(command)
    assert words == ["pulumi", "config", "set", "--path", "--type", "string", "--"]
    assert (place, text) == ('tags["cost.centre"]', typed or json.dumps(value))


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        ("azure.x", "azure.x"),
        ("it's; <touch pwned>", "it's; <touch pwned>"),
        ('a"<', 'a\\"<'),
        ("n" * 200, "n" * 200),
    ],
)
def test_a_wrong_tag_is_removed_with_the_command_that_is_told(name: str, escaped: str) -> None:
    (_, remedy), *_ = tags.problems({name: "1"})
    said, _, command = remedy.partition(": ")
    assert said == "remove it with"
    assert shlex.split(command) == ["pulumi", "config", "rm", "--path", f'tags["{escaped}"]']


def test_what_is_wrong_is_not_lost_behind_a_long_value(run: Run) -> None:
    with pytest.raises(SettingError) as caught:
        run({"tags": {"a": "x" * 65_000}, "prefix": "y" * 65_000})
    for line in str(caught.value).splitlines():
        assert len(line) < 400
    assert "; allowed: values of up to 256 characters; remove it with: " in str(caught.value)
    assert "; allowed: 2 to 10 lower-case letters and digits" in str(caught.value)


def test_a_name_without_end_is_no_part_of_a_command() -> None:
    ((_, remedy),) = tags.problems({"n" * 65_000: "x"})
    assert remedy == "remove it from the stack's file"


@pytest.mark.parametrize(("length", "typed"), [(502, True), (503, False)])
def test_a_command_names_a_tag_of_at_most_512_characters(length: int, typed: bool) -> None:
    """With its brackets and quotes, which are ten."""
    ((_, remedy),) = tags.problems({"n" * length: "x"})
    assert ("pulumi config rm" in remedy) is typed


def test_what_the_program_sets_beside_a_stacks_own_tags_is_reserved(run: Run) -> None:
    found = run({**SERVICE, "tags": {"team": "ml"}})
    of_the_program = found.group["tags"].keys() - found.one("storage:StorageAccount")["tags"].keys()
    assert of_the_program == tags.RESERVED


@pytest.mark.parametrize(
    "good", [{"Xmas": "v" * 256}, {"n" * 128: ""}, {f"t{index}": "x" for index in range(46)}]
)
def test_what_is_as_long_or_as_many_as_azure_takes_is_good(good: dict[str, str]) -> None:
    assert list(tags.problems(good)) == []


def test_too_many_tags_say_how_many_to_remove() -> None:
    ((_, remedy),) = tags.problems({f"t{index}": "x" for index in range(48)})
    assert remedy == "remove 2 of 48"


@pytest.mark.parametrize(
    "good",
    [
        {"n" * 128: "v" * 256},
        {"t": "of one letter"},
        {"team": "", "Größe": "<%&?/>", "a.b-c d": "x", "my-azure": "1"},
        {f"t{index}": "x" for index in range(46)},
    ],
)
def test_what_azure_takes_reaches_the_resources(run: Run, good: dict[str, str]) -> None:
    found = run({"tags": good}).one("storage:StorageAccount")["tags"]
    assert found == good
