"""The state is exported once, who is changing it is noticed, and what is in it is read."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from infra import azure_facts
from infra.drift import stack as stacks
from infra.drift.errors import DriftError
from infra.drift.stack import Resource, Stack
from infra.preview import command, engine
from infra.preview.events import SECRET_SIGNATURE, SIGNATURE

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
        self.stacks: list[dict[str, Any]] = []
        self.failing = ""

    def document(self, arguments: Sequence[str], _: Path) -> Any:
        self.asked.append(" ".join(arguments[:2]))
        if self.asked[-1] == self.failing:
            raise engine.PreviewError("`pulumi` failed: no login")
        assert "dev" in arguments[-1] or arguments[0] == "whoami" or arguments[1] == "ls"
        answers: dict[str, Any] = {
            "stack export": json.loads(json.dumps(self.state)),
            "whoami --json": {"url": self.backend},
            "stack ls": self.stacks,
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


LOCK = {"username": "me", "hostname": "host", "pid": 7}


def a_lock(folder: Path, content: str, project: str = "p", stack: str = "dev") -> Path:
    file = folder / ".pulumi" / "locks" / "organization" / project / stack / "1.json"
    file.parent.mkdir(parents=True)
    file.write_text(content)
    return file


@pytest.mark.parametrize(
    ("content", "holder"),
    [(json.dumps(LOCK), r"me@host \(process 7\)"), ("{", "an update"), ("\udcff", "an update")],
)
@pytest.mark.parametrize("name", ["dev", "organization/p/dev"])
def test_a_lock_in_a_folder_ends_the_check_and_names_who_holds_it(
    pulumi: Pulumi,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    content: str,
    holder: str,
    name: str,
) -> None:
    a_lock(tmp_path, "").write_bytes(content.encode(errors="surrogateescape"))
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    with pytest.raises(DriftError, match=rf"the stack {name} is locked by {holder}; wait for"):
        stacks.read(name, tmp_path)
    assert pulumi.asked == ["stack export"]


@pytest.mark.parametrize(("project", "stack"), [("q", "dev"), ("p", "prod")])
def test_a_lock_of_another_stack_is_none(
    pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, project: str, stack: str
) -> None:
    a_lock(tmp_path, json.dumps(LOCK), project, stack)
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}")
    assert stacks.read("dev", tmp_path).name == "dev"


@pytest.mark.parametrize("url", ["file://~", "file://~/x%20y", "file://./here", "file:///ABS"])
def test_the_folder_of_the_states_is_where_its_url_says(
    pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str
) -> None:
    """Pulumi names it where the environment does not."""
    home, project = tmp_path / "home", tmp_path / "project"
    monkeypatch.setenv("HOME", str(home))
    place = {
        "file://~": home,
        "file://~/x%20y": home / "x y",
        "file://./here": project / "here",
        "file:///ABS": tmp_path / "absolute",
    }[url]
    pulumi.backend = url.replace("/ABS", str(tmp_path / "absolute"))
    project.mkdir()
    a_lock(place, json.dumps(LOCK))
    with pytest.raises(DriftError, match="is locked by me@host"):
        stacks.read("dev", project)
    assert pulumi.asked == ["stack export", "whoami --json"]


@pytest.mark.parametrize("name", ["dev", "org/p/dev"])
def test_an_update_that_pulumis_service_tells_of_ends_the_check(
    pulumi: Pulumi, tmp_path: Path, name: str
) -> None:
    pulumi.stacks = [
        {"name": "org/p/prod", "updateInProgress": True},
        {"name": "org/p/dev", "updateInProgress": False},
        {"updateInProgress": True},
    ]
    assert stacks.read(name, tmp_path).name == name
    pulumi.stacks[1]["updateInProgress"] = True
    with pytest.raises(DriftError, match=rf"{name} is locked by an update in progress; wait for"):
        stacks.read(name, tmp_path)


@pytest.mark.parametrize("failing", ["stack export", "whoami --json", "stack ls"])
def test_what_pulumi_does_not_tell_ends_the_check(
    pulumi: Pulumi, tmp_path: Path, failing: str
) -> None:
    pulumi.failing = failing
    with pytest.raises(engine.PreviewError, match="`pulumi` failed: no login"):
        stacks.read("dev", tmp_path)
    assert pulumi.asked[-1] == failing


def test_an_interrupted_update_ends_the_check(pulumi: Pulumi, tmp_path: Path) -> None:
    deployment = {**STATE["deployment"], "pending_operations": [{"type": "creating"}]}
    pulumi.state = {**STATE, "deployment": deployment}
    with pytest.raises(DriftError, match="under way or was interrupted; finish it with: pulumi"):
        stacks.read("dev", tmp_path)


@pytest.mark.parametrize("state", [{}, {"deployment": None}, {"deployment": {"resources": None}}])
def test_an_empty_stack_is_said_so(pulumi: Pulumi, tmp_path: Path, state: dict[str, Any]) -> None:
    pulumi.state = state
    with pytest.raises(DriftError, match="the stack dev is empty; deploy it first: pulumi up"):
        stacks.read("dev", tmp_path)


def a_secret(content: Any) -> dict[str, Any]:
    text = content if isinstance(content, str) else json.dumps(content)
    return {SIGNATURE: SECRET_SIGNATURE, "plaintext": text}


def of_resources(*resources: dict[str, Any]) -> Stack:
    return Stack("dev", Path(), {"deployment": {"resources": list(resources)}})


def test_what_is_in_azure_is_read_and_nothing_that_is_on_its_way_out() -> None:
    known = {"urn": "a::b::vault", "type": azure_facts.VAULT, "id": "/kv", "custom": True}
    more = {"inputs": {"a": 1}, "outputs": {"azureApiVersion": "2024-01-01"}}
    stack = of_resources(
        {**known, **more},
        {**known, "urn": "plain"},
        {**known, "urn": "on-its-way-out", "delete": True},
        {**known, "urn": "component", "custom": False},
        {**known, "urn": "not-made-yet", "id": ""},
        {**known, "urn": "random", "type": "random:index:RandomString", "id": "abc"},
    )
    first, second = stack.resources
    assert first == Resource("a::b::vault", azure_facts.VAULT, "/kv", "2024-01-01", {"a": 1})
    assert first.name == "vault"
    assert second == Resource("plain", azure_facts.VAULT, "/kv", "", {})
    assert (stack.scoring_group, stack.deployment, dict(stack.outputs)) == (None, None, {})


def test_the_principals_of_the_workspaces_are_read_also_where_they_are_secret() -> None:
    def workspace(**outputs: Any) -> dict[str, Any]:
        return {"urn": "w", "type": azure_facts.ML_WORKSPACE, "id": "/w", "outputs": outputs}

    plain = {"principalId": "one"}
    stack = of_resources(
        workspace(identity=plain),
        workspace(identity=a_secret({"principalId": "two"})),
        workspace(identity=a_secret("no JSON")),
        workspace(identity={SIGNATURE: SECRET_SIGNATURE}),
        workspace(other=1),
        workspace(),
        {**workspace(identity=plain), "type": azure_facts.VAULT},
    )
    assert stack.workspace_principals == ["one", "two", "", "", ""]


GROUP = {"urn": "g", "type": azure_facts.CONTAINER_GROUP, "id": "/g", "custom": True}


@pytest.mark.parametrize(
    ("variables", "key"),
    [
        ([{"name": "A", "value": "1"}, {"name": "KEY", "secureValue": "door"}], "door"),
        ([{"name": "KEY", "secureValue": a_secret('"door"')}], "door"),
        ([{"name": "KEY", "value": "plain"}], ""),
        ([{"secureValue": "other"}], ""),
        ([], ""),
        (None, ""),
    ],
)
def test_a_secure_variable_of_the_group_is_read(variables: Any, key: str) -> None:
    containers = [{"name": "first"}, {"environmentVariables": variables}]
    for wire in (containers, a_secret(containers)):
        stack = of_resources({**GROUP, "inputs": {"containers": wire}})
        assert stack.secure_variable("KEY") == key
    assert of_resources({**GROUP, "inputs": {}}).secure_variable("KEY") == ""
    assert of_resources().secure_variable("KEY") == ""


def test_the_containers_as_azure_answers_them_open_the_secret_list() -> None:
    stack = of_resources({**GROUP, "inputs": {"containers": a_secret([{"name": "s"}])}})
    opened = stack.opened([{"name": "other"}])
    assert opened.after == {"g": {"containers": a_secret([{"name": "other"}])}}
    assert list(opened.before) == ["g"]
    assert stack.opened(None).after == {}
    assert of_resources().opened([{"name": "other"}]).after == {}


def test_a_secret_of_the_state_is_in_no_text_of_it() -> None:
    """A failing check may show what it held."""
    state = {"deployment": {"resources": [{**GROUP, "inputs": {"key": "the-door-key"}}]}}
    stack = Stack("dev", Path(), state, (Path("dev.json"), b"the-door-key"))
    assert stack.resources[0].inputs == {"key": "the-door-key"}
    assert "the-door-key" not in f"{stack!r} {stack.resources!r} {stack}"
