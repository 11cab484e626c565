"""A destroyed stack comes back by the commands of the page, pasted as they are."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import azure_cli
from tests.support.machine import ROOT, UP, Machine

pytestmark = [pytest.mark.stack, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A stack that was up, and was destroyed."""
    machine = Machine(tmp_path_factory.mktemp("again") / "state")
    try:
        machine.configure("azure-native:location=westeurope", "protect=false")
        machine.inside(*UP)
        machine.inside("pulumi", "destroy", "--yes", "--skip-preview")
        yield machine
    finally:
        machine.inside("pulumi", "destroy", "--yes", "--skip-preview", good=False)
        machine.run("stop", good=False)


def script() -> str:
    """The commands of the page."""
    page = (ROOT / "infra" / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"## Destroyed, and up again.*?```sh\n(.*?)```", page, re.DOTALL)
    return block


def test_without_them_an_update_is_refused_for_the_vaults_name(machine: Machine) -> None:
    done = machine.inside(*UP, good=False)
    assert done.returncode != 0
    assert "either recover or purge existing key vault" in done.stdout + done.stderr


def test_the_pages_commands_bring_a_destroyed_stack_back(machine: Machine, tmp_path: Path) -> None:
    lines = [
        f"export {name}={shlex.quote(value)}"
        for name, value in azure_cli.settings(tmp_path).items()
    ]
    # Behind the environment's own programs: azure-cli's has a `python`, too.
    lines += [f'export PATH="$PATH:{azure_cli.installed().parent}" PULUMI_SKIP_CONFIRMATIONS=true']
    pasted = "\n".join(["set -euo pipefail", *lines, azure_cli.LOGIN, script()])
    machine.inside("bash", "-c", pasted)
    machine.inside("pulumi", "preview", "--expect-no-changes", "--non-interactive")
    assert len(machine.outputs()) == 5
