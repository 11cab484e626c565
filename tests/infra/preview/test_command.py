"""What the review reads beside the preview, from a `pulumi` that only this test knows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from infra.preview import command, engine

CONFIG = {
    "sklearn-mnist-svc:prefix": {"value": "mnist", "secret": False},
    "sklearn-mnist-svc:scoringKey": {"value": "open-sesame-street", "secret": True},
    "other:accounts": {
        "value": '{"a":["deep-in-an-object",7]}',
        "objectValue": {"a": ["deep-in-an-object", 7]},
        "secret": True,
    },
}


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Says its configuration, an empty state, and a preview without steps."""
    program = tmp_path / "pulumi"
    program.write_text(
        "#!/bin/sh\n"
        f'echo "$@" >> {tmp_path}/asked\n'
        'case "$1" in\n'
        f"config) echo '{json.dumps(CONFIG)}' ;;\n"
        "stack) echo '{}' ;;\n"
        """preview) echo '{"summaryEvent": {"result": "succeeded"}}' ;;\n"""
        "esac\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return tmp_path / "asked"


def test_the_secrets_of_the_configuration_are_known_though_no_resource_has_them(
    pulumi: Path, tmp_path: Path
) -> None:
    secrets = command.run("dev", tmp_path).opened.secrets
    assert secrets == {"open-sesame-street", "deep-in-an-object", "7"}


@pytest.mark.parametrize("refresh", [True, False])
def test_the_preview_looks_at_the_cloud_where_it_is_asked_to_and_writes_nothing(
    pulumi: Path, tmp_path: Path, *, refresh: bool
) -> None:
    command.run("dev", tmp_path, refresh=refresh)
    asked = [line.split() for line in pulumi.read_text().splitlines()]
    (preview,) = [words for words in asked if words[0] == "preview"]
    assert ("--refresh" in preview) is refresh
    assert not any(words[0] in {"up", "refresh", "destroy"} for words in asked)


@pytest.mark.parametrize("name", ["Pulumi.yaml", "Pulumi.yml"])
def test_the_project_is_found_above_a_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("name: mnist\n")
    (tmp_path / "a" / "b").mkdir(parents=True)
    assert engine.project(tmp_path / "a" / "b") == "mnist"


@pytest.mark.parametrize(
    ("content", "said"), [("[", "cannot read"), ("name: 7\n", "names no project"), ("", "names no")]
)
def test_a_project_file_that_names_nothing_is_a_one_line_error(
    tmp_path: Path, content: str, said: str
) -> None:
    (tmp_path / "Pulumi.yaml").write_text(content)
    with pytest.raises(engine.EngineError, match=said) as caught:
        engine.project(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_folder_outside_of_any_project_is_a_one_line_error(tmp_path: Path) -> None:
    with pytest.raises(engine.EngineError, match=r"no Pulumi\.yaml"):
        engine.project(tmp_path)
