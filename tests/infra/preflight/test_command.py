"""The command, with the real CLI and program against the stand-in: what it says, and its codes."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from infra import azure_facts
from local_azure.arm.conditions import FILE
from tests.support.asked_azure import written
from tests.support.machine import MODEL, UP, Machine
from tests.support.portal import Portal

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]
STACK = ("--stack", "local")
ROLES = {
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "Storage File Data Privileged Contributor": "69566ab7-960f-475b-8e7c-b3118f30c6bd",
}


def preflight(
    machine: Machine, *more: str, before: tuple[str, ...] = (), stack: tuple[str, ...] = STACK
) -> tuple[int, str, str]:
    """(exit code, standard output, errors) at 80 columns."""
    command = [*("env", "COLUMNS=80", *before), "python", "-m", "infra.preflight", *stack, *more]
    done = machine.inside(*command, good=False)
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, done.stdout, done.stderr


def lines(machine: Machine, folder: Path, *more: str) -> tuple[int, dict[str, Any]]:
    """(exit code, lines by check) of the JSON document."""
    file = folder / "preflight.json"
    code, out, err = preflight(machine, *more, "--json", str(file))
    told = json.loads(file.read_text())
    assert told["headline"] in out, err
    return code, {one["check"]: one for one in told["checks"]}


def everything(folder: Path) -> dict[str, bytes]:
    return {str(each): each.read_bytes() for each in folder.rglob("*") if each.is_file()}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    machine = Machine(tmp_path_factory.mktemp("preflight") / "state")
    try:
        machine.configure("azure-native:location=westeurope", "protect=false")
        yield machine
    finally:
        machine.run("stop", good=False)


@pytest.fixture(scope="module")
def deployed(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    machine.inside(*UP)
    image = machine.push(MODEL, tmp_path_factory.mktemp("image") / "image")
    machine.configure(f"image={image}", f"modelSha256={sha256()}", "modelVersion=1")
    return machine


def sha256() -> str:
    return json.loads((MODEL / "manifest.json").read_text())["sha256"]


def test_before_the_first_update_nothing_refuses_and_what_cannot_be_asked_is_said(
    machine: Machine, tmp_path: Path
) -> None:
    code, found = lines(machine, tmp_path)
    assert code == 0
    assert {check for check, one in found.items() if one["status"] == "not asked"} == {
        *("who registers models", "DNS label", "quota of cores", "image", "model gate"),
    }
    assert {one["status"] for one in found.values()} == {"good", "not asked"}


def test_what_refuses_is_one_with_commands_that_are_not_wrapped(machine: Machine) -> None:
    conditions = machine.folder / FILE
    conditions.write_text(json.dumps({"unregisteredProviders": ["Microsoft.Storage"]}))
    try:
        code, out, _ = preflight(machine)
    finally:
        conditions.unlink()
    assert code == 1
    table, _, remedies = out.partition("\n\n")
    assert max(map(len, table.splitlines())) <= 80
    assert "resource providers    refused    not registered: Microsoft.Storage" in table
    assert remedies == (
        "# resource providers\naz provider register --wait --namespace Microsoft.Storage\n\n"
        "local is not ready: 1 of 13 refuse.\n"
    )


def test_a_subscription_that_the_login_does_not_see_ends_it(machine: Machine) -> None:
    other = "11111111-0000-0000-0000-000000000000"
    code, out, _ = preflight(machine, before=(f"ARM_SUBSCRIPTION_ID={other}",))
    assert code == 1
    assert f"az account set --subscription {other}\n" in out
    assert out.endswith("local is not ready: 1 of 1 refuse.\n")


@pytest.mark.parametrize(
    ("stack", "before", "said"),
    [
        (("--stack", "none"), (), "error: `pulumi config` failed: no stack named 'none' found"),
        (STACK, ("ARM_CLIENT_SECRET=expired",), "error: Azure refused the login: "),
        (STACK, ("ARM_RESOURCE_MANAGER_ENDPOINT=https://127.0.0.1:1",), "error: Azure "),
        (STACK, ("PATH=/nowhere",), "error: `pulumi` is not on PATH"),
    ],
)
def test_what_cannot_be_asked_is_two_and_one_line(
    machine: Machine, stack: tuple[str, ...], before: tuple[str, ...], said: str
) -> None:
    if before == ("PATH=/nowhere",):
        python = machine.inside("python", "-c", "import sys; print(sys.executable)").stdout.strip()
        before = ("PATH=/nowhere",)
        done = machine.inside("env", *before, python, "-m", "infra.preflight", *stack, good=False)
        code, out, err = done.returncode, done.stdout, done.stderr
    else:
        code, out, err = preflight(machine, before=before, stack=stack)
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith(said)


def test_a_wrong_setting_is_said_as_the_program_says_it(machine: Machine) -> None:
    machine.configure("cpu=99")
    try:
        code, out, err = preflight(machine)
    finally:
        machine.inside("pulumi", "config", "rm", "cpu")
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert "cpu" in line
    assert "99" in line


def test_wrong_usage_is_two(machine: Machine) -> None:
    code, _, err = preflight(machine, "--registrar", "me")
    assert code == 2
    assert "'me' is no object id" in " ".join(err.split())


def test_the_remedies_of_a_stack_make_all_good_and_nothing_is_changed(
    deployed: Machine, tmp_path: Path
) -> None:
    somebody = str(uuid4())
    report = written(tmp_path, model={"sha256": sha256()})
    asked = ("--registrar", somebody, "--report", str(report))
    before = everything(deployed.folder / "stacks")
    code, found = lines(deployed, tmp_path, *asked)
    refused = {check: one for check, one in found.items() if one["status"] != "good"}
    assert (code, list(refused)) == (1, ["who registers models"]), found
    with Portal(deployed) as portal:
        for command in refused["who registers models"]["remedy"]:
            words = shlex.split(command)
            option = dict(zip(words[4::2], words[5::2], strict=True))
            assert words[:4] == ["az", "role", "assignment", "create"]
            assert option["--assignee-object-id"] == somebody
            account = option["--scope"].partition("/providers/")[2]
            role = f"{account}/providers/Microsoft.Authorization/roleAssignments/{uuid4()}"
            path = option["--scope"].partition("/resourceGroups")[0]
            definition = f"{path}/providers/Microsoft.Authorization/roleDefinitions/"
            properties = {
                "roleDefinitionId": definition + ROLES[option["--role"]],
                "principalId": somebody,
            }
            portal.call("PUT", role, "2022-04-01", {"properties": properties})
    code, found = lines(deployed, tmp_path, *asked)
    assert (code, {one["status"] for one in found.values()}) == (0, {"good"}), found
    assert found["image"]["said"] == "sklearn-mnist-svc is there, for linux/amd64"
    assert everything(deployed.folder / "stacks") == before


def test_the_model_gate_is_of_the_stacks_own_model(deployed: Machine, tmp_path: Path) -> None:
    report = written(tmp_path)
    code, found = lines(deployed, tmp_path, "--report", str(report), "--min-accuracy", "0.5")
    assert code == 1
    assert found["model gate"]["status"] == "refused"
    assert sha256()[:12] in found["model gate"]["said"]


def test_what_fell_out_of_the_state_is_taken_in_by_its_remedy(
    deployed: Machine, tmp_path: Path
) -> None:
    state = json.loads(deployed.inside("pulumi", "stack", "export").stdout)
    (insights,) = [
        one["urn"]
        for one in state["deployment"]["resources"]
        if one["type"] == azure_facts.APPLICATION_INSIGHTS
    ]
    deployed.inside("pulumi", "state", "delete", insights, "--target-dependents", "--yes")
    _, found = lines(deployed, tmp_path)
    left = found["leftovers"]
    assert left["status"] == "refused"
    assert "application-insights" in left["said"]
    assert "workspace" in left["said"]
    for command in left["remedy"]:
        deployed.inside(*shlex.split(command))
    _, found = lines(deployed, tmp_path)
    assert found["leftovers"]["status"] == "good"
    deployed.inside(*UP)


def test_a_question_without_an_answer_is_two_and_said_in_its_line(
    deployed: Machine, tmp_path: Path
) -> None:
    """A file that is no list of conditions: the stand-in answers 500 to what it matters to."""
    report = written(tmp_path, model={"sha256": sha256()})
    (conditions := deployed.folder / FILE).write_text("[]")
    try:
        code, out, err = preflight(deployed, "--report", str(report))
    finally:
        conditions.unlink()
    assert code == 2
    assert "InvalidConditions" in out + err
