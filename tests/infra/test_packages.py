"""`infra/requirements.txt` alone runs the program, and every tool that asks about it."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import environments
from tests.support.machine import ROOT, Machine, deployed

LOCK = ROOT / "infra" / "requirements.txt"
ROOMS = [
    "infra.preflight",
    "infra.review",
    "infra.drift",
    "model_eval",
    "scoring",
    "journey",
    "local_azure",
]
KEY = "a-key-for-the-door"
PACKAGES = {
    "azure-core": "azure.core.",
    "azure-identity": "azure.identity.",
    "azure-mgmt-core": "azure.mgmt.core.",
    "pyyaml": "yaml.",
}
"""What is imported of a package, where its own name says it not."""

WITH_OTHERS = ("google.protobuf.", "markupsafe.", "pulumi_kubernetes.")
"""Of Pulumi, of Jinja, and of the target `aks` alone."""


def versions(lock: Path) -> set[tuple[str, str]]:
    return set(re.findall(r"(?m)^([\w.-]+)==([^\s;]+)", lock.read_text(encoding="utf-8")))


def test_the_program_has_a_fifth_of_the_projects_packages_in_the_same_versions():
    ours = versions(LOCK)
    assert {"pulumi", "azure-identity"} < {name for name, _ in ours}
    assert len(ours) <= 45
    assert ours <= versions(ROOT / "requirements.txt")


def test_what_the_program_and_its_commands_import_is_locked_and_nothing_else() -> None:
    """`infra.aks` needs one more package, which has a lock of its own."""
    files = [*(ROOT / "infra").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]
    files += [ROOT / "scoring" / f"{name}.py" for name in ("manifest", "errors", "packages")]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_bytes()))]
    modules = {each.name for node in nodes if isinstance(node, ast.Import) for each in node.names}
    modules |= {
        f"{node.module}.{each.name}"
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
        for each in node.names
    }
    foreign = {
        f"{module}."
        for module in modules
        if module.partition(".")[0] not in {*sys.stdlib_module_names, "infra", "pages", "scoring"}
    }
    wanted = re.findall(r"(?m)^[\w-]+", LOCK.with_suffix(".in").read_text(encoding="utf-8"))
    begin = {name: PACKAGES.get(name, f"{name.replace('-', '_')}.") for name in wanted}
    assert [
        name for name in wanted if not any(each.startswith(begin[name]) for each in foreign)
    ] == []
    known = (*begin.values(), *WITH_OTHERS)
    assert [each for each in foreign if not each.startswith(known)] == []


@pytest.mark.parametrize("room", ROOMS)
def test_a_command_without_its_packages_names_what_installs_them(
    room: str,
) -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-m", room, "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    lock = "infra/requirements.txt" if room.startswith("infra.") else "requirements.txt"
    assert done.returncode == 1
    assert done.stdout == ""
    remedy = f"or install it: pip install --require-hashes -r {lock}"
    assert re.fullmatch(
        rf"error: this Python has no \w+; activate .venv, which make setup makes, {remedy}\n",
        done.stderr,
    )


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with deployed(tmp_path_factory.mktemp("packages"), KEY) as machine:
        yield machine


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is tracked, with the packages of the program alone in its `.venv`."""
    folder = tmp_path_factory.mktemp("checkout")
    tracked = ["Pulumi.yaml", "infra", "scoring", "pages", "model_eval"]
    listed = subprocess.run(
        ["git", "ls-files", "-z", *tracked], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(ROOT / name)
    (folder / ".venv").symlink_to(environments.installed(LOCK).parent)
    return folder


def alone(machine: Machine, checkout: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command against the stand-in as in a checkout that has the program's packages alone."""
    programs = checkout / ".venv" / "bin"
    path = f"PATH={programs}{os.pathsep}{machine.environment()['PATH']}"
    where = ["env", "-C", str(checkout), path, f"VIRTUAL_ENV={programs.parent}"]
    return machine.inside(*where, *command, good=False)


@pytest.mark.stack
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_packages_of_the_program_are_small_and_run_every_tool(
    machine: Machine, checkout: Path, tmp_path: Path
) -> None:
    site = next((checkout / ".venv" / "lib").glob("python*/site-packages"))
    files = [each for each in site.rglob("*") if each.suffix != ".pyc" and each.is_file()]
    assert sum(each.stat().st_size for each in files) <= 300 * 2**20
    assert not (site / "numpy").exists()

    previewed = alone(machine, checkout, "pulumi", "preview", "--expect-no-changes")
    assert previewed.returncode == 0, previewed.stdout + previewed.stderr
    report = tmp_path / "report.json"
    for tool, more in (("review", "--expect-no-changes"), ("drift", f"--html={tmp_path / 'page'}")):
        command = ["python", "-m", f"infra.{tool}", "--stack", "local", f"--json={report}", more]
        done = alone(machine, checkout, *command)
        assert done.returncode == 0, done.stdout + done.stderr
        assert json.loads(report.read_text())
        report.unlink()

    asked = alone(machine, checkout, "python", "-m", "infra.preflight", "--stack", "local")
    assert asked.returncode == 1, asked.stdout + asked.stderr
    assert "is there, for linux/amd64" in asked.stdout

    missing = alone(machine, checkout, "python", "-m", "model_eval", "validate")
    assert missing.returncode == 1
    assert missing.stderr.splitlines()[-1].endswith("--require-hashes -r requirements.txt")
    assert "Traceback" not in missing.stderr
