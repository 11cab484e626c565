"""The pack in a real engine: `pulumi preview --policy-pack` runs every rule on the real program."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.machine import ROOT, Machine

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300)]
PACK = ROOT / "infra" / "policy" / "pack" / "run"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A stack that has a configuration and is not deployed."""
    machine = Machine(tmp_path_factory.mktemp("pack") / "state")
    try:
        machine.configure("azure-native:location=westeurope")
        yield machine
    finally:
        machine.run("stop", good=False)


def preview(machine: Machine) -> tuple[int, str]:
    command = ["pulumi", "preview", "--policy-pack", str(PACK), "--non-interactive"]
    done = machine.inside(*command, good=False)
    return done.returncode, done.stdout + done.stderr


def test_the_engine_lists_what_is_advice_and_goes_on(machine: Machine) -> None:
    code, said = preview(machine)
    assert code == 0
    assert "[advisory]  required-tags  (azure-native:keyvault:Vault: key-vault)" in said
    assert "[mandatory]" not in said


def test_the_engine_stops_at_a_mandatory_rule(machine: Machine) -> None:
    machine.configure("azure-native:location=brazilsouth")
    code, said = preview(machine)
    assert code != 0
    assert "[mandatory]  allowed-location  (azure-native:keyvault:Vault: key-vault)" in said
    assert "location brazilsouth is not allowed; allowed: northeurope, westeurope" in said
