"""What Azure refuses as a tag is refused before anything is touched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from infra import tags
from infra.settings import SettingError

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
    run: Run, wrong: dict[str, Any], allowed: str
) -> None:
    assert [found for found, _ in tags.problems(wrong) if allowed in found]
    assert len(list(tags.problems(wrong))) == 1
    with pytest.raises(SettingError, match="sklearn-mnist-svc:tags"):
        run({"tags": wrong})


def test_a_number_is_written_as_a_string_with_the_command_that_is_told() -> None:
    ((_, remedy),) = tags.problems({"cost.centre": 4711})
    assert remedy == (
        "write it as one: pulumi config set --path --type string 'tags[\"cost.centre\"]' '4711'"
    )


def test_a_wrong_tag_is_removed_with_the_command_that_is_told() -> None:
    ((_, remedy),) = tags.problems({"azure.x": "1"})
    assert remedy == "remove it with: pulumi config rm --path 'tags[\"azure.x\"]'"


def test_too_many_tags_say_how_many_to_remove() -> None:
    ((_, remedy),) = tags.problems({f"t{index}": "x" for index in range(48)})
    assert remedy == "remove 2 of 48"


@pytest.mark.parametrize(
    "good",
    [
        {"n" * 128: "v" * 256},
        {"team": "", "Größe": "<%&?/>", "a.b-c d": "x", "my-azure": "1"},
        {f"t{index}": "x" for index in range(46)},
    ],
)
def test_what_azure_takes_reaches_the_resources(run: Run, good: dict[str, str]) -> None:
    found = run({"tags": good}).one("storage:StorageAccount")["tags"]
    assert found == good
