"""The state is exported once, and a change of it meanwhile is noticed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from infra.drift import stack as stacks
from infra.preview import command, engine

STATE: dict[str, Any] = {
    "version": 3,
    "deployment": {"resources": [{"urn": "urn:pulumi:dev::p::pulumi:pulumi:Stack::p-dev"}]},
}


class Pulumi:
    """Answers what is asked of the CLI, and keeps what was."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.state = STATE
        self.backend = "https://pulumi.example.test"

    def document(self, arguments: Sequence[str], _: Path) -> Any:
        self.asked.append(" ".join(arguments[:2]))
        answers: dict[str, Any] = {
            "stack export": json.loads(json.dumps(self.state)),
            "whoami --json": {"url": self.backend},
            "stack ls": [],
            "config --json": {},
        }
        return answers[self.asked[-1]]


@pytest.fixture
def pulumi(monkeypatch: pytest.MonkeyPatch) -> Pulumi:
    told = Pulumi()
    monkeypatch.delenv("PULUMI_BACKEND_URL", raising=False)
    monkeypatch.setattr(engine, "document", told.document)
    return told


def test_a_preview_exports_no_state_that_is_known(
    pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(command, "_preview", lambda *_, **__: ("", {}))
    command.run("dev", tmp_path, state=STATE)
    assert pulumi.asked == ["config --json"]


def test_a_state_that_lies_in_no_folder_is_exported_again(pulumi: Pulumi, tmp_path: Path) -> None:
    read = stacks.read("dev", tmp_path)
    assert read.unchanged()
    assert pulumi.asked.count("stack export") == 2
    pulumi.state = {**STATE, "version": 4}
    assert not read.unchanged()


def test_a_state_in_a_folder_is_compared_as_it_lies_there(
    pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / ".pulumi" / "stacks" / "p" / "dev.json"
    file.parent.mkdir(parents=True)
    file.write_text("{}")
    (tmp_path / "Pulumi.yaml").write_text("name: p\n")
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    read = stacks.read("organization/p/dev", tmp_path)
    assert read.unchanged()
    assert pulumi.asked == ["stack export"]
    file.write_text("{} ")
    assert not read.unchanged()
    file.unlink()
    assert not read.unchanged()
