"""The workflows: actionlint accepts them, they may do little, and their commands exist."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))
ACTIONLINT = "1.7.12"
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
EXPECTED = {
    "preview": {"contents": "read", "id-token": "write", "pull-requests": "write"},
    "image": {"contents": "read", "id-token": "write"},
    "deploy": {"contents": "read", "id-token": "write"},
    "drift": {"contents": "read", "id-token": "write", "issues": "write"},
}


def content(path: Path) -> dict[str, Any]:
    """A workflow; YAML 1.1 reads the key `on` as true."""
    loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {("on" if name is True else name): each for name, each in loaded.items()}


def steps(path: Path) -> Iterator[dict[str, Any]]:
    loaded = content(path)
    if "runs" in loaded:
        yield from loaded["runs"]["steps"]
    for job in loaded.get("jobs", {}).values():
        yield from job["steps"]


def job(path: Path) -> dict[str, Any]:
    (only,) = content(path)["jobs"].values()
    return only


def commands(program: str) -> list[tuple[str, list[str]]]:
    """(file, words) of every command line that runs a program, in every script of every step."""
    found: list[tuple[str, list[str]]] = []
    for path in [*WORKFLOWS, *ACTIONS]:
        for step in steps(path):
            script = str(step.get("run", "")).replace("\\\n", " ")
            for line in script.splitlines():
                for match in re.finditer(rf"(?:^|[\s(])({re.escape(program)}\s[^|)<>;]*)", line):
                    text = match[1].split(" || ")[0].replace('"', " ").replace("2> ", " ")
                    found.append((path.name, shlex.split(text.replace("'", " "))))
    return found


@pytest.fixture(scope="session")
def actionlint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by Go once a version, into the cache of this project or of the test."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("Go is not installed, so actionlint cannot be built")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "sklearn-mnist-svc" / f"actionlint-{ACTIONLINT}"
    program = folder / "actionlint"
    if not program.exists():
        building = tmp_path_factory.mktemp("actionlint")
        done = subprocess.run(
            [go, "install", f"github.com/rhysd/actionlint/cmd/actionlint@v{ACTIONLINT}"],
            env={**os.environ, "GOBIN": str(building), "GOFLAGS": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"actionlint cannot be built here: {done.stderr.strip()[-300:]}")
        folder.mkdir(parents=True, exist_ok=True)
        # Into place at once, so that an interrupted build is never taken for a program.
        (building / "actionlint").rename(building / "built")
        shutil.copy2(building / "built", folder / f"building-{os.getpid()}")
        (folder / f"building-{os.getpid()}").replace(program)
    return program


@pytest.mark.timeout(300)
def test_actionlint_has_nothing_to_say(actionlint: Path) -> None:
    done = subprocess.run(
        [actionlint, "-no-color", "-oneline", *WORKFLOWS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_actionlint_would_have_something_to_say(actionlint: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(WORKFLOWS[0].read_text().replace("runs-on:", "run-on:"))
    done = subprocess.run([actionlint, wrong], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "run-on" in done.stdout


def test_the_workflows_are_the_four_that_are_wanted() -> None:
    assert {path.stem for path in WORKFLOWS} == set(EXPECTED)


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=lambda path: str(path.parent.name))
def test_every_action_is_pinned_by_commit_and_says_its_version(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if "uses:" in line]
    assert lines
    for line in lines:
        name, _, comment = line.split("uses:")[1].partition("#")
        if not name.strip().startswith("./"):
            assert PINNED.fullmatch(name.strip()), name
            assert re.fullmatch(r"v\d+\.\d+\.\d+", comment.strip()), line


def test_one_action_has_one_pin() -> None:
    pins: dict[str, set[str]] = {}
    for path in [*WORKFLOWS, *ACTIONS]:
        for step in steps(path):
            name, _, commit = step.get("uses", "").partition("@")
            pins.setdefault(name, set()).add(commit)
    assert {name: each for name, each in pins.items() if len(each) > 1} == {}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_job_has_the_permissions_it_needs_and_no_others(path: Path) -> None:
    assert content(path)["permissions"] == {}
    assert job(path)["permissions"] == EXPECTED[path.stem]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_stored_secret_is_used(path: Path) -> None:
    text = path.read_text()
    assert "secrets." not in text
    assert job(path)["env"]["ARM_USE_OIDC"] == "true"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_job_ends_by_itself_and_does_not_keep_the_token(path: Path) -> None:
    assert job(path)["timeout-minutes"] <= 60
    checkout = next(step for step in steps(path) if "actions/checkout" in step.get("uses", ""))
    assert checkout["with"]["persist-credentials"] is False


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_script_contains_an_expression(path: Path) -> None:
    """An expression in a script is text that anybody may have written, run as code."""
    assert not [step["run"] for step in steps(path) if "${{" in step.get("run", "")]


def test_updates_wait_for_each_other_and_are_never_cancelled() -> None:
    groups = {path.stem: content(path)["concurrency"] for path in WORKFLOWS}
    assert (
        groups["deploy"]
        == groups["drift"]
        == {
            "group": "stack-dev",
            "cancel-in-progress": False,
        }
    )
    assert groups["preview"]["cancel-in-progress"] is True
    assert "pull_request.number" in groups["preview"]["group"]


def test_only_main_is_deployed_behind_the_gate_of_an_environment() -> None:
    deploy = ROOT / ".github" / "workflows" / "deploy.yml"
    assert content(deploy)["on"]["push"] == {"branches": ["main"]}
    assert job(deploy)["environment"] == "dev"
    assert job(deploy)["if"] == "github.ref == 'refs/heads/main'"


def test_previews_run_on_pull_requests_of_this_repository_only() -> None:
    preview = ROOT / ".github" / "workflows" / "preview.yml"
    assert set(content(preview)["on"]) == {"pull_request"}
    assert "head.repo.full_name == github.repository" in job(preview)["if"]


def test_drift_is_looked_for_every_day() -> None:
    cron = content(ROOT / ".github" / "workflows" / "drift.yml")["on"]["schedule"][0]["cron"]
    assert re.fullmatch(r"\d+ \d+ \* \* \*", cron)


@pytest.mark.parametrize(
    "case", commands(".venv/bin/python -m"), ids=lambda case: " ".join(case[1][2:4])
)
def test_every_module_command_and_its_options_exist(case: tuple[str, list[str]]) -> None:
    module, *rest = case[1][2:]
    app = importlib.import_module(f"{module}.__main__").app
    assert isinstance(app, typer.Typer)
    command: Any = typer.main.get_command(app)
    if hasattr(command, "commands"):
        name = rest.pop(0)
        assert name in command.commands, f"{module} has no command {name}"
        command = command.commands[name]
    known = {option for param in command.params for option in (*param.opts, *param.secondary_opts)}
    assert {word for word in rest if word.startswith("--")} <= known


def test_all_four_rooms_are_called() -> None:
    modules = {words[2] for _, words in commands(".venv/bin/python -m")}
    assert modules == {"infra.review", "infra.drift", "model_eval", "scoring"}


def test_every_make_target_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = [words[1] for _, words in commands("make")]
    assert targets
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


@pytest.fixture(scope="session")
def pulumi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Runs the CLI that the stand-in finds, outside of any project."""
    folder = tmp_path_factory.mktemp("pulumi")
    environment = {**os.environ, "LOCAL_AZURE_DIR": str(folder / "state"), "PYTHONPATH": str(ROOT)}

    def local_azure(*words: str) -> str:
        command = [sys.executable, "-m", "local_azure", *words]
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=True
        ).stdout

    yield lambda *words: local_azure("exec", "--", "pulumi", *words)
    local_azure("stop")


@pytest.mark.stack
@pytest.mark.parametrize("case", commands("pulumi"), ids=lambda case: " ".join(case[1][:4]))
def test_every_pulumi_command_and_its_options_exist(
    case: tuple[str, list[str]], pulumi: Callable[..., str]
) -> None:
    words = [word for word in case[1][1:] if not word.startswith("-")][:2]
    verb = words[:1] if words[0] == "up" else words
    shown = pulumi(*verb, "--help")
    assert f"pulumi {' '.join(verb)}" in shown
    for option in case[1]:
        if option.startswith("--"):
            assert option in shown


def test_stacks_that_are_named_exist() -> None:
    named = {
        words[words.index("--stack") + 1]
        for program in (".venv/bin/python -m", "pulumi")
        for _, words in commands(program)
        if "--stack" in words
    }
    assert named == {"dev"}
    assert (ROOT / "Pulumi.dev.yaml").exists()


def test_the_pinned_cli_is_the_one_that_is_built_locally() -> None:
    (action,) = ACTIONS
    installed = next(step for step in steps(action) if "pulumi/actions" in step.get("uses", ""))
    version = installed["with"]["pulumi-version"]
    assert any(version in path.read_text() for path in (ROOT / "local_azure").rglob("*.py"))
