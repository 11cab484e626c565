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

from tests.support.go_program import built

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))
ACTIONLINT = "1.7.12"
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
READS = {"contents": "read"}
SIGNS_IN = {"contents": "read", "id-token": "write"}
EXPECTED = {
    "check": {"check": READS},
    "preview": {
        "stacks": READS,
        "offline": READS,
        "preview": {**SIGNS_IN, "pull-requests": "write"},
    },
    "image": {"image": SIGNS_IN},
    "deploy": {"stacks": READS, "deploy": SIGNS_IN},
    "deploy-stack": {"review": SIGNS_IN, "deploy": SIGNS_IN},
    "drift": {"stacks": READS, "drift": {**SIGNS_IN, "issues": "write"}},
}
"""The permissions of every job of every workflow."""


def content(path: Path) -> dict[str, Any]:
    """A workflow; YAML 1.1 reads the key `on` as true."""
    loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {("on" if name is True else name): each for name, each in loaded.items()}


def steps(path: Path) -> Iterator[dict[str, Any]]:
    loaded = content(path)
    if "runs" in loaded:
        yield from loaded["runs"]["steps"]
    for job in loaded.get("jobs", {}).values():
        yield from job.get("steps", [])


def workflow(name: str) -> dict[str, Any]:
    return content(ROOT / ".github" / "workflows" / f"{name}.yml")


def job(name: str, job_name: str) -> dict[str, Any]:
    return workflow(name)["jobs"][job_name]


JOBS = [(name, each) for name, jobs in EXPECTED.items() for each in jobs]
RUNNING = [(name, each) for name, each in JOBS if (name, each) != ("deploy", "deploy")]
"""The jobs that have steps; one only calls another workflow."""
SIGNED_IN = [(name, each) for name, each in RUNNING if "id-token" in EXPECTED[name][each]]


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
def actionlint() -> Path:
    return built("github.com/rhysd/actionlint/cmd/actionlint", ACTIONLINT)


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


def test_zizmor_has_nothing_to_say() -> None:
    command = [Path(sys.executable).with_name("zizmor"), "--offline", "--no-progress", ".github"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_workflows_and_their_jobs_are_the_ones_that_are_wanted() -> None:
    assert {path.stem for path in WORKFLOWS} == set(EXPECTED)
    for name, jobs in EXPECTED.items():
        assert list(workflow(name)["jobs"]) == list(jobs)


@pytest.mark.parametrize(
    "path", [*WORKFLOWS, *ACTIONS], ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_every_action_is_pinned_by_commit_and_says_its_version(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if "uses:" in line]
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


@pytest.mark.parametrize(("name", "each"), JOBS)
def test_a_job_has_the_permissions_it_needs_and_no_others(name: str, each: str) -> None:
    assert workflow(name)["permissions"] == {}
    assert job(name, each)["permissions"] == EXPECTED[name][each]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_stored_secret_is_used(path: Path) -> None:
    assert "secrets." not in path.read_text()
    assert "secrets: inherit" not in path.read_text()


@pytest.mark.parametrize(("name", "each"), SIGNED_IN)
def test_who_signs_in_does_so_in_an_environment_without_a_password(name: str, each: str) -> None:
    assert job(name, each)["env"]["ARM_USE_OIDC"] == "true"
    assert job(name, each)["environment"]


@pytest.mark.parametrize(("name", "each"), RUNNING)
def test_a_job_ends_by_itself_and_does_not_keep_the_token(name: str, each: str) -> None:
    assert job(name, each)["timeout-minutes"] <= 60
    found = [one for one in job(name, each)["steps"] if "actions/checkout" in one.get("uses", "")]
    assert [one["with"]["persist-credentials"] for one in found] == [False]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_no_script_contains_an_expression(path: Path) -> None:
    """An expression in a script is text that anybody may have written, run as code."""
    assert not [step["run"] for step in steps(path) if "${{" in step.get("run", "")]


def test_a_drift_check_never_takes_the_place_of_a_waiting_deployment() -> None:
    """GitHub keeps one waiting run a group and cancels the others: each has a group of its own."""
    deploy, drift = job("deploy-stack", "deploy"), job("drift", "drift")
    groups = [each["concurrency"] for each in (deploy, drift)]
    assert [each["cancel-in-progress"] for each in groups] == [False, False]
    assert [each["group"] for each in groups] == [
        "deploy-${{ inputs.stack }}",
        "drift-${{ matrix.stack }}",
    ]
    assert not any("concurrency" in workflow(name) for name in ("deploy", "deploy-stack", "drift"))


def test_only_main_is_deployed_behind_the_gate_of_the_stacks_environment() -> None:
    assert workflow("deploy")["on"]["push"] == {"branches": ["main"]}
    assert job("deploy", "stacks")["if"] == "github.ref == 'refs/heads/main'"
    assert job("deploy-stack", "review")["if"] == "github.ref == 'refs/heads/main'"
    assert job("deploy-stack", "deploy")["environment"] == "${{ inputs.stack }}"


def test_azure_is_asked_as_who_deploys_before_anything_else() -> None:
    """The gate's report comes from the job that reviews, which has the model's packages."""
    review, deploy = job("deploy-stack", "review"), job("deploy-stack", "deploy")
    scripts = [step["run"] for step in deploy["steps"] if "run" in step]
    assert "infra.preflight" in scripts[0]
    assert not any("infra.preflight" in script for script in scripts[1:])
    assert review["outputs"]["report"] == "${{ steps.gate.outputs.report }}"
    (gate,) = [step["run"] for step in review["steps"] if step.get("id") == "gate"]
    assert "model_eval validate" in gate
    (asked,) = [step for step in deploy["steps"] if "infra.preflight" in step.get("run", "")]
    assert asked["env"]["REPORT"] == "${{ needs.review.outputs.report }}"


def test_who_agrees_has_seen_the_last_review_and_nothing_else_is_deployed() -> None:
    """The gate is the second job's environment; the first has reviewed and changes nothing."""
    review, deploy = job("deploy-stack", "review"), job("deploy-stack", "deploy")
    assert deploy["needs"] == "review"
    assert review["environment"] != deploy["environment"]
    assert "pulumi up" not in str(review)
    scripts = [step.get("run", "") for step in deploy["steps"]]
    compared = next(index for index, each in enumerate(scripts) if "--expect" in each)
    updated = next(index for index, each in enumerate(scripts) if "pulumi up" in each)
    assert compared < updated
    assert "--refresh" in scripts[updated]


def test_a_fork_gets_the_policies_and_no_identity() -> None:
    assert set(workflow("preview")["on"]) == {"pull_request"}
    offline, preview = job("preview", "offline"), job("preview", "preview")
    assert "if" not in offline
    assert "environment" not in offline
    assert "--offline --strict" in str(offline)
    assert "head.repo.full_name == github.repository" in preview["if"]


def test_a_pull_requests_program_runs_with_an_identity_only_behind_a_gate_of_its_own() -> None:
    """It could print every secret that its identity can decrypt; main's program is reviewed."""
    gates = {job(name, each)["environment"].partition("-$")[0] for name, each in SIGNED_IN}
    assert job("preview", "preview")["environment"] == "preview-${{ matrix.stack }}"
    assert gates == {"preview", "read", "${{ inputs.stack }}"}
    for name, each in (("drift", "drift"), ("deploy-stack", "review")):
        assert job(name, each)["environment"].startswith("read-")


def test_every_review_is_strict() -> None:
    reviews = [words for _, words in commands(".venv/bin/python -m") if "infra.review" in words]
    assert len(reviews) == 4
    assert all("--strict" in words for words in reviews)


@pytest.fixture
def stacks(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the script that finds the stacks."""
    (step,) = content(ROOT / ".github" / "actions" / "stacks" / "action.yml")["runs"]["steps"]

    def find(only: str, *names: str) -> subprocess.CompletedProcess[str]:
        for name in names:
            (tmp_path / name).touch()
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=tmp_path,
            env={**os.environ, "ONLY": only, "GITHUB_OUTPUT": str(tmp_path / "out")},
            capture_output=True,
            text=True,
            check=False,
        )

    return find


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
def test_every_stack_file_is_covered(
    stacks: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    files = ("Pulumi.yaml", "Pulumi.dev.yaml", "Pulumi.team-a.prod.yaml", "other.yaml")
    assert stacks("", *files).returncode == 0
    assert stacks("dev").returncode == 0
    assert (tmp_path / "out").read_text().splitlines() == [
        'stacks=["dev","team-a.prod"]',
        'stacks=["dev"]',
    ]
    done = stacks("de")
    assert done.returncode == 1
    assert done.stdout == "::error::there is no stack de; allowed: dev team-a.prod\n"


@pytest.mark.parametrize(
    ("name", "option", "file"),
    [
        ("preview", "--limits", "infra/policy/limits.$STACK.yaml"),
        ("deploy-stack", "--limits", "infra/policy/limits.$STACK.yaml"),
        ("drift", "--baseline", "infra/drift/baseline.$STACK.yaml"),
        ("drift", "--sample", "infra/drift/sample.$STACK.json"),
    ],
)
def test_a_stacks_own_files_reach_the_tools(name: str, option: str, file: str) -> None:
    text = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8")
    assert f'[ ! -f "{file}" ]' in text
    assert f'({option} "{file}")' in text


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


def test_every_tool_is_called() -> None:
    modules = {words[2] for _, words in commands(".venv/bin/python -m")}
    assert modules == {"infra.preflight", "infra.review", "infra.drift", "model_eval", "scoring"}


@pytest.mark.parametrize(("name", "each"), RUNNING)
def test_a_job_has_the_packages_that_its_commands_import(name: str, each: str) -> None:
    """The program's own; the whole project's only once `make setup` has run."""
    whole = False
    for step in job(name, each)["steps"]:
        script = str(step.get("run", ""))
        whole = whole or "make setup" in script or "make check" in script
        needed = re.findall(r"[.]venv/bin/(?:python -m )?(\S+)", script)
        assert whole or all(module.startswith("infra.") for module in needed), script


@pytest.mark.parametrize(
    ("stack", "locks"),
    [
        ("dev", ["infra/requirements.txt"]),
        ("aks", ["infra/requirements.txt", "infra/requirements-aks.txt"]),
        ("", ["infra/requirements.txt"]),
    ],
)
def test_the_programs_packages_are_installed_by_their_hashes(
    stack: str, locks: list[str], tmp_path: Path
) -> None:
    (tmp_path / "Pulumi.aks.yaml").write_text("config:\n  sklearn-mnist-svc:target: aks\n")
    (tmp_path / "Pulumi.dev.yaml").write_text("config:\n  sklearn-mnist-svc:cpu: 2\n")
    shim = tmp_path / "python"
    shim.write_text(
        '#!/bin/sh\nmkdir -p .venv/bin; printf "#!/bin/sh\\necho \\$*" > .venv/bin/pip\n'
        "chmod +x .venv/bin/pip\n"
    )
    shim.chmod(0o755)
    step = content(ROOT / ".github" / "actions" / "packages" / "action.yml")["runs"]["steps"][-1]
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", **({"STACK": stack} if stack else {})},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[:3] == ["install", "--quiet", "--require-hashes"]
    assert [word for word in done.stdout.split()[3:] if word != "-r"] == locks
    assert all((ROOT / lock).is_file() for lock in locks)


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


def test_no_stack_is_named_in_a_command() -> None:
    named = {
        words[words.index("--stack") + 1]
        for program in (".venv/bin/python -m", "pulumi")
        for _, words in commands(program)
        if "--stack" in words
    }
    assert named == {"$STACK"}
    assert job("drift", "drift")["env"]["STACK"] == "${{ matrix.stack }}"


def test_the_pinned_cli_is_the_one_that_is_built_locally() -> None:
    action = ROOT / ".github" / "actions" / "ready" / "action.yml"
    installed = next(step for step in steps(action) if "pulumi/actions" in step.get("uses", ""))
    version = installed["with"]["pulumi-version"]
    assert any(version in path.read_text() for path in (ROOT / "local_azure").rglob("*.py"))
