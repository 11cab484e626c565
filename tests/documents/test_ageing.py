"""What ages is listed as it is, with a day to look at it again."""

from __future__ import annotations

import datetime
import inspect
import re
from pathlib import Path
from typing import Any

import pytest
from pulumi_azure_native import (
    applicationinsights,
    authorization,
    containerinstance,
    containerregistry,
    containerservice,
    keyvault,
    machinelearningservices,
    managedidentity,
    operationalinsights,
    resources,
    storage,
)

from infra import azure_facts
from local_azure import pulumi_cli

ROOT = Path(__file__).resolve().parents[2]
NAMES = {
    containerinstance.ContainerGroup: "container group: API version",
    containerregistry.Registry: "registry: API version",
}
OTHERS = (
    applicationinsights.Component,
    authorization.RoleAssignment,
    containerservice.ManagedCluster,
    keyvault.Vault,
    machinelearningservices.Workspace,
    managedidentity.UserAssignedIdentity,
    operationalinsights.Workspace,
    resources.ResourceGroup,
    storage.StorageAccount,
)


def rows() -> dict[str, tuple[str, datetime.date]]:
    """Today's value and the day, by what ages."""
    page = (ROOT / "docs" / "ageing.md").read_text(encoding="utf-8")
    lines = [line for line in page.splitlines() if re.search(r"\| \d{4}-\d\d-\d\d \|$", line)]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {what: (today, datetime.date.fromisoformat(day)) for what, today, _, day in cells}


@pytest.mark.parametrize("what", rows())
def test_the_day_to_look_again_is_ahead_and_within_a_year(what: str) -> None:
    _, day = rows()[what]
    today = datetime.datetime.now(datetime.UTC).date()
    assert today <= day, f"{what}: look again (docs/ageing.md)"
    assert day <= today + datetime.timedelta(days=366)


def test_the_types_are_the_programs() -> None:
    tokens = {
        value for value in vars(azure_facts).values() if str(value).startswith("azure-native:")
    }
    of_these = {(*kind.__module__.split(".")[1:2], kind.__name__) for kind in (*NAMES, *OTHERS)}
    assert {f"azure-native:{module}:{name}" for module, name in of_these} == tokens


def api_version(kind: Any) -> str:
    """The one that azure-native's SDK says it uses."""
    found = re.search(r"Uses Azure REST API version ([\w-]+)", inspect.getsource(kind))
    assert found
    return found[1]


def test_every_preview_version_in_use_is_listed_and_no_other() -> None:
    listed = {kind: rows()[what][0] for kind, what in NAMES.items()}
    used = {kind: api_version(kind) for kind in (*NAMES, *OTHERS)}
    assert listed == {kind: used[kind] for kind in used if used[kind].endswith("-preview")}


@pytest.mark.parametrize(
    "package", ["azureml-core", "pulumi", "pulumi-azure-native", "scikit-learn"]
)
def test_pins_are_listed_as_they_are(package: str) -> None:
    pins = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    found = re.search(rf"^{package}==(\S+)", pins, re.MULTILINE)
    assert found
    assert rows()[package][0] == found[1]


def test_the_cli_is_listed_as_it_is_built() -> None:
    assert rows()["Pulumi CLI"][0] == pulumi_cli.VERSION


def test_the_base_of_the_image_is_a_digest_and_is_listed() -> None:
    dockerfile = (ROOT / "scoring" / "Dockerfile").read_text(encoding="utf-8")
    sources = re.findall(r"^FROM (.*)$", dockerfile, re.MULTILINE)
    base = re.search(r"^ARG BASE=(\S+)@(sha256:[0-9a-f]{64})$", dockerfile, re.MULTILINE)
    assert base
    assert sources == ["${BASE}"]
    assert rows()["base of the image"][0] == f"{base[1]}, {base[2][:19]}"
