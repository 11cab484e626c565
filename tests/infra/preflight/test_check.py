"""All questions at once, in their order, with a `pulumi` that answers from files."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from infra import azure_facts
from infra.arm.errors import ArmError
from infra.preflight import check, cli, rights
from infra.preflight.line import Status
from infra.preview.engine import PreviewError
from infra.preview.events import STACK_TYPE
from tests.support.asked_azure import PATH, PROJECT, Azure, written

SUBSCRIPTION = PATH.rpartition("/")[2]
OTHER = "11111111-0000-0000-0000-000000000000"
QUESTIONS = [
    *("subscription", "resource providers", "role assignments", "who registers models"),
    *("leftovers", "registry name", "storage name", "vault name", "workspace name"),
    *("DNS label", "quota of cores", "image", "model gate"),
]


class Pulumi:
    """What `pulumi` answers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config: dict[str, Any] = {f"{PROJECT}:prefix": {"value": "mnist", "secret": False}}
        self.events: list[dict[str, Any]] = []
        self.creates(azure_facts.RESOURCE_GROUP, resourceGroupName="rg-x", location="westeurope")
        outputs = {"outputs": {"subscription_id": SUBSCRIPTION}}
        whole = {"op": "create", "urn": "s", "type": STACK_TYPE, "old": None, "new": outputs}
        self.events.append({"resOutputsEvent": {"metadata": whole}})
        self.result = "succeeded"

    def creates(self, kind: str, **inputs: Any) -> None:
        new = {"custom": True, "inputs": inputs, "outputs": {}}
        urn = f"urn:pulumi:dev::{PROJECT}::{kind}::{kind.rpartition(':')[2].lower()}"
        step = {"op": "create", "urn": urn, "type": kind, "old": None, "new": new}
        self.events.append({"resourcePreEvent": {"metadata": step}})

    def install(self) -> Path:
        """The project's folder."""
        (self.folder / "Pulumi.yaml").write_text(f"name: {PROJECT}\n")
        (self.folder / "config").write_text(json.dumps(self.config))
        (self.folder / "stack").write_text("{}")
        events = [*self.events, {"summaryEvent": {"result": self.result}}]
        (self.folder / "preview").write_text("\n".join(map(json.dumps, events)))
        script = self.folder / "pulumi"
        script.write_text(
            f'#!/bin/sh\necho "$PWD $*" >> "{self.folder}/asked"\n'
            # A preview of anything else than what an update does is none.
            f'case "$PWD $* " in "{self.folder} preview "*" --stack dev "*" --refresh "*) ;;\n'
            f'*" preview "*) echo "error: $PWD $*" >&2; exit 255;; esac\ncat "{self.folder}/$1"\n'
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        return self.folder

    @property
    def asked(self) -> list[str]:
        return (self.folder / "asked").read_text().splitlines()


@pytest.fixture
def pulumi(azure: Azure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pulumi:
    (folder := tmp_path / "project").mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("ARM_SUBSCRIPTION_ID", SUBSCRIPTION)
    return Pulumi(folder)


def statuses(pulumi: Pulumi, said: list[str] | None = None, **more: Any) -> dict[str, Status]:
    asked = {
        "registrar": "",
        "report": pulumi.folder / "report.json",
        "least": 0.9,
        **more,
    }
    told = said if said is not None else []
    lines = check.run("dev", pulumi.install(), told.append, **asked)
    return {one.check: one.answer.status for one in lines}


def test_every_question_has_its_line_in_their_order(pulumi: Pulumi) -> None:
    said: list[str] = []
    found = statuses(pulumi, said)
    assert list(found) == QUESTIONS
    assert set(found.values()) == {Status.GOOD, Status.NOT_ASKED}
    assert said == ["configuration and login", "what the update would make", "Azure"]
    assert len([line for line in pulumi.asked if " preview " in line]) == 1


def test_a_cluster_is_asked_for_its_version_too(pulumi: Pulumi) -> None:
    pulumi.creates(azure_facts.MANAGED_CLUSTER, kubernetesVersion="1.20", agentPoolProfiles=[])
    found = statuses(pulumi)
    assert list(found) == [*QUESTIONS[:-2], "Kubernetes version", *QUESTIONS[-2:]]
    assert found["Kubernetes version"] is Status.REFUSED


def test_azure_is_asked_for_the_names_and_for_who_registers(azure: Azure, pulumi: Pulumi) -> None:
    """What an update would make has no name yet; what is there may be asked for rights."""
    account = {"accountName": "stmnist", "location": "westeurope"}
    pulumi.creates(azure_facts.STORAGE_ACCOUNT, **account)
    metadata = pulumi.events[-1]["resourcePreEvent"]["metadata"]
    metadata |= {"op": "same", "old": metadata["new"]}
    pulumi.creates(azure_facts.VAULT, vaultName="kv-nobody-has")
    pulumi.creates(azure_facts.REGISTRY, registryName="crnobodyhas")
    found = statuses(pulumi, registrar=OTHER)
    assert found["who registers models"] is Status.REFUSED
    assert (found["registry name"], found["vault name"]) == (Status.GOOD, Status.GOOD)


def test_the_report_and_the_gate_are_the_given_ones(pulumi: Pulumi, tmp_path: Path) -> None:
    image = f"cr.azurecr.io/svc@sha256:{'a' * 64}"
    pulumi.config[f"{PROJECT}:image"] = {"value": image, "secret": False}
    pulumi.config[f"{PROJECT}:modelSha256"] = {"value": "a" * 64, "secret": False}
    report = written(tmp_path)
    assert statuses(pulumi, report=report)["model gate"] is Status.GOOD
    assert statuses(pulumi, report=report, least=0.93)["model gate"] is Status.REFUSED
    assert statuses(pulumi)["model gate"] is Status.REFUSED


def test_what_exists_and_is_in_no_state_is_found_before_its_name_is_judged(
    azure: Azure, pulumi: Pulumi
) -> None:
    group = azure.group()
    pulumi.events = [one for one in pulumi.events if "resOutputsEvent" in one]
    name = group.rpartition("/")[2]
    pulumi.creates(azure_facts.RESOURCE_GROUP, resourceGroupName=name, location="westeurope")
    assert statuses(pulumi)["leftovers"] is Status.REFUSED


@pytest.mark.parametrize("where", ["environment", "configuration"])
def test_a_subscription_that_refuses_ends_it_before_anything_is_previewed(
    pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    if where == "environment":
        monkeypatch.setenv("ARM_SUBSCRIPTION_ID", OTHER)
    else:
        pulumi.config["azure-native:subscriptionId"] = {"value": OTHER, "secret": False}
    assert statuses(pulumi) == {"subscription": Status.REFUSED}
    assert [line for line in pulumi.asked if " preview " in line] == []


def test_a_subscription_that_only_the_preview_names_is_asked_after_it(
    pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ARM_SUBSCRIPTION_ID")
    assert list(statuses(pulumi)) == QUESTIONS
    (whole,) = [one for one in pulumi.events if "resOutputsEvent" in one]
    whole["resOutputsEvent"]["metadata"]["new"]["outputs"]["subscription_id"] = OTHER
    assert statuses(pulumi) == {"subscription": Status.REFUSED}


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ("preview", "`pulumi preview` failed: it did not end"),
        ("config", "`pulumi config` did not write JSON"),
        ("project", "no Pulumi.yaml in "),
    ],
)
def test_without_a_preview_nothing_can_be_asked(pulumi: Pulumi, broken: str, why: str) -> None:
    folder = pulumi.install()
    if broken == "project":
        (folder / "Pulumi.yaml").unlink()
    else:
        (folder / broken).write_text("" if broken == "preview" else "no JSON")
    with pytest.raises(PreviewError, match=why):
        check.run("dev", folder, print, registrar="", report=folder, least=0.9)


def test_a_login_that_is_refused_ends_it(pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARM_CLIENT_SECRET", "expired")
    with pytest.raises(ArmError, match=r"^Azure refused the login: "):
        statuses(pulumi)


def test_a_question_without_an_answer_is_said_and_hides_what_is_secret(
    pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_PASSWORD", "opensesame-1")

    def providers(*_: Any) -> Any:
        raise ArmError("HTTP 500 opensesame-1")

    monkeypatch.setattr(rights, "providers", providers)
    more: dict[str, Any] = {"registrar": "", "report": pulumi.folder, "least": 0.9}
    lines = check.run("dev", pulumi.install(), print, **more)
    (one,) = [one for one in lines if one.answer.status is Status.UNANSWERED]
    assert (one.check, one.answer.said) == ("resource providers", "HTTP 500 [hidden]")
    assert [one.check for one in lines] == QUESTIONS


def invoke(pulumi: Pulumi, *more: str) -> Any:
    folder = pulumi.install()
    return CliRunner().invoke(cli.app, ["--stack", "dev", "--cwd", str(folder), *more])


def test_the_exit_code_is_0_where_nothing_refuses(pulumi: Pulumi, tmp_path: Path) -> None:
    file = tmp_path / "lines.json"
    done = invoke(pulumi, "--json", str(file))
    assert done.exit_code == 0, done.output
    assert done.stdout.endswith("\nNothing refuses the next update of dev.\n")
    assert [one["check"] for one in json.loads(file.read_text())["checks"]] == QUESTIONS
    assert file.read_text().endswith("}\n")


def test_it_is_1_where_something_refuses_and_2_where_something_is_open(
    pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer: Any = rights.refused("it does", "do this")
    monkeypatch.setattr(rights, "providers", lambda *_: answer)
    assert invoke(pulumi).exit_code == 1

    def unanswered(*_: Any) -> Any:
        raise ArmError("HTTP 500")

    monkeypatch.setattr(rights, "role_assignments", unanswered)
    assert invoke(pulumi).exit_code == 1
    monkeypatch.setattr(rights, "providers", lambda *_: rights.good("all"))
    assert invoke(pulumi).exit_code == 2


def test_it_is_2_and_one_line_where_nothing_can_be_asked(
    pulumi: Pulumi, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    done = invoke(pulumi, "--json", str(tmp_path / "no" / "such.json"))
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        f"error: cannot write {tmp_path}/no/such.json: No such file or directory\n"
    )
    monkeypatch.setenv("MY_PASSWORD", "opensesame-1")
    done = CliRunner().invoke(cli.app, ["--stack", "dev", "--cwd", "/no/opensesame-1"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "error: there is no folder /no/[hidden]; name one with --cwd\n"


@pytest.mark.parametrize("given", ["me", f"{OTHER}0", f"x{OTHER}"])
def test_who_registers_is_an_object_id(pulumi: Pulumi, given: str) -> None:
    done = invoke(pulumi, "--registrar", given)
    assert done.exit_code == 2
    assert "is no object id: 8-4-4-4-12" in " ".join(done.stderr.split())
    assert invoke(pulumi, "--registrar", OTHER.upper()).exit_code == 0
