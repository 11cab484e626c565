"""Drift checks of the real program with the real CLI against the stand-in, nothing recorded.

Everything is done behind Pulumi's back by ARM REST, as a portal would, found, and repaired by
the commands that the check prints.
"""

from __future__ import annotations

import copy
import datetime
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import joblib
import pytest

from tests.support import azure_cli
from tests.support.machine import MODEL, ROOT, UP, Machine, deployed
from tests.support.paging_arm import paging
from tests.support.portal import Portal
from tests.support.pulumi_shim import shim

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]
KEY = "the-first-door-key"
GROUPS = "Microsoft.ContainerInstance/containerGroups"


def drift(
    machine: Machine, *more: str, folder: Path, before: Sequence[str] = ()
) -> tuple[int, dict[str, Any], str]:
    """(exit code, JSON report, everything that was written) of a check.

    Args:
        machine: Where it runs.
        more: Further arguments.
        folder: Where the reports are written.
        before: Words in front of the command, such as `env` and what it sets.
    """
    files = folder / "drift.json", folder / "drift.md"
    command = [*before, "python", "-m", "infra.drift", "--stack", "local", *more]
    done = machine.inside(
        *command, "--json", str(files[0]), "--markdown", str(files[1]), good=False
    )
    written = "\n".join([done.stdout, done.stderr, *(file.read_text() for file in files)])
    assert KEY not in written
    assert "Traceback" not in written
    return done.returncode, json.loads(files[0].read_text()), written


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    with deployed(tmp_path_factory.mktemp("drift"), KEY) as machine:
        yield machine


@pytest.fixture(scope="module")
def portal(machine: Machine) -> Iterator[Portal]:
    with Portal(machine) as portal:
        yield portal


@pytest.fixture
def other_model(tmp_path: Path) -> Path:
    """A model that takes every digit for another one."""
    folder = tmp_path / "other"
    shutil.copytree(MODEL, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    file = folder / manifest["file"]
    model = joblib.load(file)
    model.estimators_ = [*model.estimators_[1:], model.estimators_[0]]
    joblib.dump(model, file)
    content = file.read_bytes()
    manifest |= {
        "version": "666",
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def found(report: dict[str, Any]) -> set[tuple[str, str, str, str]]:
    """(resource, path, kind, severity) of every finding."""
    return {
        (one["resource"], one["path"], one["kind"], one["severity"]) for one in report["findings"]
    }


def repair(machine: Machine, report: dict[str, Any]) -> None:
    """Type what the check printed, but for what has to be chosen."""
    for one in report["repair"]:
        if not one["command"] or one["harm"].startswith(("DELETES", "REPLACES")):
            continue
        words = shlex.split(one["command"])
        assert words[:1] == ["pulumi"]
        more = ["--yes", "--skip-preview"] if words[1] == "up" else []
        machine.inside(*words, *more, "--non-interactive")


def in_sync(machine: Machine, folder: Path) -> None:
    code, report, written = drift(machine, folder=folder)
    assert (code, report["findings"]) == (0, []), written
    assert report["verdict"] == "In sync."


def everything(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


def test_a_stack_in_sync_stays_byte_for_byte_as_it_was(machine: Machine, tmp_path: Path) -> None:
    stacks = machine.folder / "stacks"
    before = everything(stacks)
    assert any(name.endswith("local.json") for name in before)
    code, report, written = drift(machine, folder=tmp_path)
    assert (code, report["headline"]) == (0, "The endpoint answers. In sync."), written
    assert set(report["asked"].values()) == {"answered"}
    assert len(report["asked"]) == 4
    assert everything(stacks) == before


def test_a_changed_and_a_deleted_resource_are_found_and_repaired(
    machine: Machine, portal: Portal, tmp_path: Path
) -> None:
    (registry,) = portal.names("Microsoft.ContainerRegistry/registries")
    (insights,) = portal.names("Microsoft.Insights/components")
    portal.call(
        "PATCH",
        f"Microsoft.ContainerRegistry/registries/{registry}",
        "2023-07-01",
        {"properties": {"adminUserEnabled": True}, "tags": {"who": "me"}},
    )
    portal.call("DELETE", f"Microsoft.Insights/components/{insights}", "2020-02-02")
    (name,) = portal.names("Microsoft.KeyVault/vaults")
    vault = f"Microsoft.KeyVault/vaults/{name}"
    held = portal.call("GET", vault, "2023-02-01")
    portal.call("DELETE", vault, "2023-02-01")
    code, report, written = drift(machine, folder=tmp_path)
    assert code == 7
    assert found(report) == {
        ("key-vault", "", "missing", "critical"),
        ("registry", "adminUserEnabled", "changed", "critical"),
        ("registry", "tags.who", "unexpected", "minor"),
        ("application-insights", "", "missing", "major"),
    }
    (first,) = [one for one in report["findings"] if one["path"] == "adminUserEnabled"]
    assert (first["declared"], first["actual"]) == ("false", "true")
    assert "no-admin-account" in written
    recover, anew, update = report["repair"]
    assert recover["command"] == f"az keyvault recover --name {name}"
    assert anew["command"] == ""
    portal.recover(vault, held)
    report["repair"].remove(recover)
    assert update["command"].startswith("pulumi up --refresh --target ")
    assert "::registry" in update["command"]
    assert update["harm"] == ""
    repair(machine, report)
    in_sync(machine, tmp_path)


def typed(machine: Machine, command: str, folder: Path) -> None:
    """Run a printed command with Azure's own CLI."""
    settings = [f"{name}={value}" for name, value in azure_cli.settings(folder).items()]
    settings += [f"PATH={os.environ['PATH']}:{azure_cli.installed().parent}"]
    machine.inside("env", *settings, "bash", "-euc", f"{azure_cli.LOGIN}{command}")


@pytest.mark.slow
def test_an_opening_that_an_update_with_refresh_kept_is_found_and_the_printed_command_closes_it(
    machine: Machine, portal: Portal, tmp_path: Path
) -> None:
    """Cloud, state and program agree after that update, and the account is as it was opened."""
    (account,) = portal.names("Microsoft.Storage/storageAccounts")
    where = f"Microsoft.Storage/storageAccounts/{account}"
    opened = {"isLocalUserEnabled", "isSftpEnabled", "defaultToOAuthAuthentication"}
    body = {"properties": dict.fromkeys(opened, True)}
    portal.call("PATCH", where, "2024-01-01", body)
    code, report, _ = drift(machine, folder=tmp_path)
    assert {one["path"] for one in report["findings"]} == opened
    machine.inside(*UP, "--refresh")
    before = portal.call("GET", where, "2024-01-01")["properties"]
    still = {name for name in opened if before.get(name)}
    assert "defaultToOAuthAuthentication" in still
    code, report, _ = drift(machine, folder=tmp_path)
    assert code == 7
    assert {(one["path"], one["kind"]) for one in report["findings"]} == {
        (name, "unexpected") for name in still
    }
    critical = {one["path"] for one in report["findings"] if one["severity"] == "critical"}
    assert critical == still - {"defaultToOAuthAuthentication"}
    (command,) = [one["command"] for one in report["repair"]]
    typed(machine, command, folder=tmp_path)
    after = portal.call("GET", where, "2024-01-01")["properties"]
    assert not any(after.get(name) for name in opened)
    assert after["minimumTlsVersion"] == "TLS1_2"
    in_sync(machine, tmp_path)


def test_a_known_difference_is_accepted_until_it_ends(
    machine: Machine, portal: Portal, tmp_path: Path
) -> None:
    (registry,) = portal.names("Microsoft.ContainerRegistry/registries")
    name = f"Microsoft.ContainerRegistry/registries/{registry}"
    portal.call("PATCH", name, "2023-07-01", {"tags": {"who": "me"}})
    baseline = tmp_path / "baseline.yaml"
    until = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=30)
    entry = (
        f"- {{resource: registry, path: tags.who, accepts: me, reason: known, expires: {until}}}\n"
    )
    baseline.write_text(entry)
    code, report, _ = drift(machine, "--baseline", str(baseline), folder=tmp_path)
    assert (code, len(report["accepted"])) == (0, 1)
    portal.call("PATCH", name, "2023-07-01", {"tags": {"who": None}})
    code, report, _ = drift(machine, "--baseline", str(baseline), folder=tmp_path)
    assert code == 7
    assert [one["why"] for one in report["stale"]] == ["matches nothing"]


def test_a_resource_that_somebody_added_is_listed_and_nothing_deletes_it_unasked(
    machine: Machine, portal: Portal, tmp_path: Path
) -> None:
    body = {"location": "westeurope", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
    name = "clickedtogether"
    portal.call("PUT", f"Microsoft.Storage/storageAccounts/{name}", "2023-01-01", body)
    code, report, written = drift(machine, folder=tmp_path)
    assert code == 7
    assert found(report) == {(name, "", "unexpected", "major")}
    assert report["findings"][0]["type"] == "Microsoft.Storage/storageAccounts"
    fix = machine.inside("python", "-m", "infra.drift", "--stack", "local", "--fix", good=False)
    first, last = fix.stdout.splitlines()
    assert "declare it" in first
    assert "accept it in the baseline" in first
    assert last.startswith(f"# DELETES {name} and all that is in it: az resource delete --ids ")
    assert "az resource" not in written.partition("To choose from")[0].partition("## Drift")[2]
    repair(machine, report)
    assert name in portal.names("Microsoft.Storage/storageAccounts")
    portal.call("DELETE", f"Microsoft.Storage/storageAccounts/{name}", "2023-01-01")
    in_sync(machine, tmp_path)


def test_a_right_that_somebody_gave_is_found_and_the_own_ones_are_not(
    machine: Machine, portal: Portal, tmp_path: Path
) -> None:
    name = "Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-000000000042"
    owner = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
    roles = "/providers/Microsoft.Authorization/roleDefinitions"
    subscription = machine.outputs()["subscription_id"]
    person = "00000000-0000-4000-8000-0000000000aa"
    properties = {
        "roleDefinitionId": f"/subscriptions/{subscription}{roles}/{owner}",
        "principalId": person,
    }
    portal.call("PUT", name, "2022-04-01", {"properties": properties})
    try:
        code, report, _ = drift(machine, folder=tmp_path)
    finally:
        portal.call("DELETE", name, "2022-04-01")
    assert code == 7
    (right,) = report["findings"]
    assert right["severity"] == "critical"
    assert right["actual"].startswith("Owner at ")
    assert person in right["actual"]


def test_a_token_that_somebody_let_the_identity_take_is_found(
    machine: Machine, portal: Portal, tmp_path: Path
) -> None:
    (identity,) = portal.names("Microsoft.ManagedIdentity/userAssignedIdentities")
    kind = f"userAssignedIdentities/{identity}/federatedIdentityCredentials"
    name = f"Microsoft.ManagedIdentity/{kind}/outside"
    issuer, subject = "https://tokens.example.test", "repo:somebody/else:ref:refs/heads/main"
    properties = {"issuer": issuer, "subject": subject, "audiences": ["api://AzureADTokenExchange"]}
    portal.call("PUT", name, "2023-01-31", {"properties": properties})
    try:
        code, report, _ = drift(machine, folder=tmp_path)
    finally:
        portal.call("DELETE", name, "2023-01-31")
    assert code == 7
    assert found(report) == {("outside", "", "unexpected", "critical")}
    assert report["findings"][0]["actual"] == f"{subject} of {issuer}"
    assert [one["command"] for one in report["repair"] if one["command"]] == [
        f"az resource delete --ids {report['findings'][0]['id']}"
    ]


def test_the_commands_are_quoted_and_pasted_as_a_whole_they_run_nothing(
    machine: Machine, portal: Portal, tmp_path: Path
) -> None:
    name = "it's; touch $(touch pwned) `touch pwned`"
    body = {
        "location": "westeurope",
        "kind": "web",
        "properties": {"Application_Type": "web", "Request_Source": "rest"},
    }
    portal.call("PUT", f"Microsoft.Insights/components/{quote(name)}", "2020-02-02", body)
    try:
        code, report, _ = drift(machine, folder=tmp_path)
        fix = machine.inside("python", "-m", "infra.drift", "--stack", "local", "--fix", good=False)
    finally:
        portal.call("DELETE", f"Microsoft.Insights/components/{quote(name)}", "2020-02-02")
    assert code == 7
    (stray,) = report["findings"]
    (command,) = [one["command"] for one in report["repair"] if one["command"]]
    folder = tmp_path / "shell"
    folder.mkdir()
    (folder / "az").write_text('#!/bin/sh\nprintf "%s\\n" "$@" >> called\n')
    (folder / "az").chmod(0o755)
    for text, called in ((fix.stdout, ""), (command, f"resource\ndelete\n--ids\n{stray['id']}\n")):
        environment = {"PATH": f"{folder}:/usr/bin:/bin"}
        subprocess.run(["bash", "-c", text], cwd=folder, env=environment, check=True)
        written = folder / "called"
        assert (written.read_text() if written.exists() else "") == called
        assert sorted(each.name for each in folder.iterdir()) == ["az", *["called"] * bool(called)]
    assert stray["id"].endswith(f"/components/{name}")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_stray_on_a_later_page_is_found_and_no_page_of_another_host_is_read(
    host: str, machine: Machine, portal: Portal, tmp_path: Path
) -> None:
    """`localhost` is the same server by another name: it would answer."""
    body = {"location": "westeurope", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}
    name = "onthelastpage"
    portal.call("PUT", f"Microsoft.Storage/storageAccounts/{name}", "2023-01-01", body)
    own = machine.environment()["ARM_RESOURCE_MANAGER_ENDPOINT"]
    try:
        with paging(machine, host=host) as (url, server):
            words = shim(machine, tmp_path / host, real={"ARM_RESOURCE_MANAGER_ENDPOINT": own})
            words += [
                f"ARM_RESOURCE_MANAGER_ENDPOINT={url}",
                f"ARM_RESOURCE_MANAGER_AUDIENCE={own}",
            ]
            code, report, written = drift(machine, folder=tmp_path, before=words)
    finally:
        portal.call("DELETE", f"Microsoft.Storage/storageAccounts/{name}", "2023-01-01")
    if host == "localhost":
        assert (code, server.pages) == (1, 1)
        assert "a next page on another host" in report["broken"]
    else:
        assert code == 7, written
        assert found(report) == {(name, "", "unexpected", "major")}
        assert server.pages == len(portal.ids()) + 1


@pytest.mark.slow
def test_a_stopped_group_is_critical_and_is_started_before_anything_else(
    machine: Machine, portal: Portal, tmp_path: Path
) -> None:
    group = f"{GROUPS}/{machine.outputs()['container_group']}"
    portal.call("POST", f"{group}/stop", "2023-05-01")
    wait_until(lambda: state(portal, group) == "Stopped")
    code, report, _ = drift(machine, folder=tmp_path)
    assert code == 7
    assert found(report) == {("endpoint", "state", "changed", "critical")}
    assert report["headline"].startswith("The endpoint does not answer: its container group does")
    first, last = report["repair"]
    assert first["command"].startswith("az container start --name ")
    assert (first["harm"], last["harm"][:8]) == ("", "REPLACES")
    typed(machine, first["command"], folder=tmp_path)
    wait_until(lambda: state(portal, group) == "Running")
    in_sync(machine, tmp_path)


def test_a_state_that_changes_meanwhile_breaks_the_check(
    machine: Machine, portal: Portal, tmp_path: Path
) -> None:
    urn = next(
        one["urn"]
        for one in json.loads(machine.inside("pulumi", "stack", "export").stdout)["deployment"][
            "resources"
        ]
        if one["urn"].endswith("::log-analytics")
    )
    protect = ["state", "protect", urn, "--yes", "--non-interactive"]
    words = shim(machine, tmp_path / "shim", after={"preview": f'"$real" {shlex.join(protect)}'})
    try:
        code, report, written = drift(machine, folder=tmp_path, before=words)
    finally:
        machine.inside("pulumi", "state", "unprotect", urn, "--yes", "--non-interactive")
    assert code == 1, written
    assert "was updated while it was checked" in report["broken"]
    assert report["repair"] == []


def test_an_update_in_progress_breaks_the_check(machine: Machine, tmp_path: Path) -> None:
    """Pulumi's service tells; the rest is asked of the real folder."""
    backend = machine.environment()["PULUMI_BACKEND_URL"]
    stacks = [{"name": "other", "updateInProgress": False}, {"name": "o/local"}]
    for running in (True, False):
        stacks[1]["updateInProgress"] = running
        words = shim(
            machine,
            tmp_path / f"shim-{running}",
            real={"PULUMI_BACKEND_URL": backend},
            answers={"stack ls": json.dumps(stacks)},
        )
        words.append("PULUMI_BACKEND_URL=https://pulumi.example.test")
        code, report, written = drift(machine, folder=tmp_path, before=words)
        assert code == (1 if running else 0), written
        assert ("locked by an update in progress" in report["broken"]) is running


def test_a_declared_resource_that_fell_out_of_the_state_is_taken_back_and_nothing_is_deleted(
    machine: Machine, portal: Portal, tmp_path: Path
) -> None:
    lost = ["pull-assignment", "scoring-group", "workspace"]
    before = portal.ids()
    forget(machine, *lost, folder=tmp_path)
    code, report, written = drift(machine, folder=tmp_path)
    assert code == 7
    assert found(report) == {(name, "", "in no state", "major") for name in lost}, written
    assert "DELETES" not in written
    assert "az resource delete" not in written
    commands = [one["command"] for one in report["repair"]]
    imports = [one for one in commands if one.startswith("pulumi import ")]
    assert len(imports) == len(lost)
    assert all(" --parent " in each for each in imports)
    (update,) = [one for one in report["repair"] if one["command"] not in imports]
    assert update["command"].startswith("pulumi up --refresh --target ")
    assert update["harm"].startswith("INTERRUPTS the endpoint")
    repair(machine, report)
    in_sync(machine, tmp_path)
    planned = machine.inside("pulumi", "preview", "--json").stdout
    assert set(json.loads(planned)["changeSummary"]) <= {"same", "update"}, planned
    machine.inside(*UP)
    assert portal.ids() == before
    in_sync(machine, tmp_path)


def forget(machine: Machine, *names: str, folder: Path) -> None:
    """Take resources out of the state as if their creation had been cut off."""
    file = folder / "state.json"
    machine.inside("pulumi", "stack", "export", "--show-secrets", "--file", str(file))
    state = json.loads(file.read_text())
    kept = state["deployment"]["resources"]
    gone = {one["urn"] for one in kept if one["urn"].rpartition("::")[2] in names}
    gone = {urn for urn in gone if "azure-native:" in urn}
    assert len(gone) == len(names)
    kept = [one for one in kept if one["urn"] not in gone]
    for one in kept:
        one["dependencies"] = [urn for urn in one.get("dependencies", []) if urn not in gone]
        one["propertyDependencies"] = {
            name: [urn for urn in urns or [] if urn not in gone]
            for name, urns in one.get("propertyDependencies", {}).items()
        }
    state["deployment"]["resources"] = kept
    file.write_text(json.dumps(state))
    machine.inside("pulumi", "stack", "import", "--file", str(file))


def test_a_container_replaced_by_another_model_is_found_and_repaired(
    machine: Machine, portal: Portal, other_model: Path, tmp_path: Path
) -> None:
    group = f"{GROUPS}/{machine.outputs()['container_group']}"
    body = portal.call("GET", group, "2023-05-01")
    image = machine.push(other_model, tmp_path / "image")
    sha256 = json.loads((other_model / "manifest.json").read_text())["sha256"]
    portal.call("DELETE", group, "2023-05-01")
    wait_until(lambda: portal.names(GROUPS) == [])
    portal.call("PUT", group, "2023-05-01", another(body, image, sha256))
    wait_until(lambda: state(portal, group) == "Running")
    code, report, written = drift(machine, folder=tmp_path)
    assert code == 7
    rows = found(report)
    variables = body["properties"]["containers"][0]["properties"]["environmentVariables"]
    at = {
        each["name"]: f"containers[0].environmentVariables[{index}]"
        for index, each in enumerate(variables)
    }
    assert {
        ("scoring-group", "containers[0].image", "changed", "major"),
        ("scoring-group", f"{at['MODEL_SHA256']}.value", "changed", "major"),
        ("scoring-group", f"{at['SCORING_KEY']}.name", "missing", "major"),
        ("endpoint", "model.sha256", "changed", "critical"),
    } <= rows
    assert {one[0] for one in rows} == {"scoring-group", "endpoint"}
    answers = [one["actual"] for one in report["findings"] if one["path"] == "answers"]
    assert answers == ["0 of 10 right"]
    assert sha256 in written
    repair(machine, report)
    in_sync(machine, tmp_path)


def another(body: dict[str, Any], image: str, sha256: str) -> dict[str, Any]:
    """The group as somebody would write it who has another model and no key."""
    changed = copy.deepcopy(body)
    for name in ("id", "name", "type"):
        del changed[name]
    properties = changed["properties"]
    for name in ("provisioningState", "instanceView"):
        del properties[name]
    for name in ("ip", "fqdn"):
        del properties["ipAddress"][name]
    container = properties["containers"][0]["properties"]
    del container["instanceView"]
    container["image"] = image
    container["environmentVariables"] = [
        {**each, "value": sha256} if each["name"] == "MODEL_SHA256" else each
        for each in container["environmentVariables"]
        if each["name"] != "SCORING_KEY"
    ]
    return changed


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def state(portal: Portal, group: str) -> str:
    properties = portal.call("GET", group, "2023-05-01")["properties"]
    if properties["provisioningState"] != "Succeeded":
        return properties["provisioningState"]
    return properties["instanceView"]["state"]


def test_a_program_that_declares_more_than_was_deployed_is_drift(
    machine: Machine, tmp_path: Path
) -> None:
    before = machine.configuration.read_text()
    try:
        machine.configure("cpu=2")
        code, report, _ = drift(machine, folder=tmp_path)
    finally:
        machine.configuration.write_text(before)
    assert code == 7
    (cpu,) = report["findings"]
    assert (cpu["question"], cpu["resource"]) == ("program against state", "scoring-group")
    assert (cpu["path"], cpu["declared"], cpu["actual"]) == (
        "containers[0].resources.requests.cpu",
        "2",
        "1",
    )


def test_a_locked_stack_breaks_the_check(machine: Machine, tmp_path: Path) -> None:
    locks = machine.folder / "stacks" / ".pulumi" / "locks" / "organization"
    lock = locks / "sklearn-mnist-svc" / "local" / "4b9a8a5e-0000-4000-8000-000000000000.json"
    lock.parent.mkdir(parents=True, exist_ok=True)
    holder = {
        "pid": 7,
        "username": "eve",
        "hostname": "laptop",
        "timestamp": "2026-11-23T00:00:00Z",
    }
    lock.write_text(json.dumps(holder))
    try:
        refused = machine.inside(*UP, good=False)
        code, report, written = drift(machine, folder=tmp_path)
    finally:
        lock.unlink()
    assert "locked" in refused.stderr
    assert code == 1
    assert "locked by eve@laptop (process 7)" in report["broken"]
    assert "pulumi cancel" in written


def test_an_interrupted_update_breaks_the_check(machine: Machine, tmp_path: Path) -> None:
    (file,) = (machine.folder / "stacks" / ".pulumi" / "stacks").rglob("local.json")
    before = file.read_bytes()
    state = json.loads(before)
    latest = state["checkpoint"]["latest"]
    (storage,) = [one for one in latest["resources"] if one["urn"].endswith("::storage")]
    latest["pending_operations"] = [{"resource": storage, "type": "updating"}]
    file.write_text(json.dumps(state))
    try:
        code, report, _ = drift(machine, folder=tmp_path)
    finally:
        file.write_bytes(before)
    assert code == 1
    assert "under way or was interrupted" in report["broken"]


def test_credentials_that_are_refused_break_the_check(machine: Machine, tmp_path: Path) -> None:
    words = ["env", "ARM_CLIENT_SECRET=expired"]
    code, report, written = drift(machine, folder=tmp_path, before=words)
    assert code == 1, written
    assert "the login" in report["broken"]
    assert "expired" in report["broken"]
    # It needs no login: the service itself is asked.
    assert report["headline"].startswith("The endpoint answers. The check broke.")
    assert report["asked"]["endpoint against state"] == "answered"


def test_an_arm_server_that_is_gone_breaks_the_check(machine: Machine, tmp_path: Path) -> None:
    file = tmp_path / "drift.json"
    environment = machine.environment()
    machine.run("stop")
    done = subprocess.run(
        [sys.executable, "-m", "infra.drift", "--stack", "local", "--json", str(file)],
        cwd=ROOT,
        env=environment,  # `exec` would start the server again
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Azure was not reached" in done.stderr.splitlines()[-1]
    report = json.loads(file.read_text())
    assert report["code"] == 1
    assert report["headline"].startswith("The endpoint does not answer. The check broke.")
