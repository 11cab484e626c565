"""The stack's configuration stays out of the checkout, whatever `pulumi` is asked to do."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from local_azure import stack
from local_azure.home import Home
from local_azure.pulumi_wrapper import project_name


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "infra" / "deep").mkdir(parents=True)
    (folder / "Pulumi.yaml").write_text('# ours\nname: "my-project" # its name\nruntime: yaml\n')
    return folder


@pytest.fixture
def asked(home: Home, tmp_path: Path):
    """Runs the wrapper around a program that writes down its arguments."""
    home.create()
    real = tmp_path / "real"
    real.write_text(
        "#!/usr/bin/env python3\nimport json, sys\njson.dump(sys.argv[1:], sys.stdout)\n"
    )
    real.chmod(0o755)
    stack.install_wrapper(home, real)

    def run(folder: Path, *arguments: str) -> list[str]:
        environment = {**os.environ, "PULUMI_STACK": "local"}
        done = subprocess.run(
            [home.programs / "pulumi", *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            check=True,
        )
        return json.loads(done.stdout)

    return run


@pytest.mark.parametrize(
    ("arguments", "position"),
    [
        (["preview"], 1),
        (["up", "--yes"], 1),
        (["--non-interactive", "--color", "never", "preview", "--json"], 4),
        (["config", "set", "a", "b"], 1),
        (["-v", "9", "refresh"], 3),
        (["destroy", "--", "x"], 1),
    ],
)
def test_commands_that_read_the_configuration_are_told_where_it_is(
    asked, home: Home, project: Path, arguments: list[str], position: int
):
    file = home.projects / "my-project" / "Pulumi.local.yaml"
    expected = [*arguments[:position], f"--config-file={file}", *arguments[position:]]
    assert asked(project, *arguments) == expected
    assert asked(project / "infra" / "deep", *arguments) == expected


@pytest.mark.parametrize(
    "arguments",
    [
        ["version"],
        ["stack", "output", "--json"],
        ["stack", "select", "up"],
        ["cancel", "--yes"],
        [],
        ["preview", "--config-file", "mine.yaml"],
        ["up", "--config-file=mine.yaml"],
    ],
)
def test_other_commands_and_the_users_own_file_are_left_alone(
    asked, project: Path, arguments: list[str]
):
    assert asked(project, *arguments) == arguments


@pytest.mark.parametrize(
    "flag", [["--stack", "other"], ["--stack=other"], ["-s", "other"], ["--stack", "org/p/other"]]
)
def test_another_stack_has_another_file(asked, home: Home, project: Path, flag: list[str]):
    file = home.projects / "my-project" / "Pulumi.other.yaml"
    assert asked(project, "preview", *flag) == ["preview", f"--config-file={file}", *flag]


def test_the_project_of_cwd_counts(asked, home: Home, project: Path, tmp_path: Path):
    file = home.projects / "my-project" / "Pulumi.local.yaml"
    expected = ["-C", str(project), "preview", f"--config-file={file}"]
    assert asked(tmp_path, "-C", str(project), "preview") == expected


def test_outside_of_projects_nothing_is_added(asked, tmp_path: Path):
    assert asked(tmp_path, "preview") == ["preview"]


def test_a_project_is_found_from_below(project: Path, tmp_path: Path):
    assert project_name(str(project / "infra" / "deep")) == "my-project"
    assert project_name(str(tmp_path)) is None
