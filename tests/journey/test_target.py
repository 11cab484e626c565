"""Where the service runs: what the stack has stays, and what Kubernetes needs comes first."""

from __future__ import annotations

import importlib.metadata
import os
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from journey import cli
from journey.steps import JourneyError
from journey.target import LOCK, SDK, Target, prepare, remembered
from local_azure.errors import DamagedStateError
from local_azure.home import Home
from local_azure.kubernetes.network import NetworkError

ROOT = Path(__file__).resolve().parents[2]


def configured(folder: Path, text: str) -> Home:
    home = Home(folder)
    file = folder / "projects" / "sklearn-mnist-svc" / "Pulumi.local.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(text)
    return home


def test_a_stack_that_names_no_target_runs_a_container_group(tmp_path: Path) -> None:
    assert remembered(Home(tmp_path / "none"), ROOT) is Target.ACI
    assert remembered(configured(tmp_path / "some", "config: {}\n"), ROOT) is Target.ACI


def test_the_target_of_the_stack_is_remembered(tmp_path: Path) -> None:
    home = configured(tmp_path, "config:\n  sklearn-mnist-svc:target: aks\n")
    assert remembered(home, ROOT) is Target.AKS


def test_a_damaged_configuration_is_an_error_and_no_target(tmp_path: Path) -> None:
    with pytest.raises(DamagedStateError):
        remembered(configured(tmp_path, "config: [\n"), ROOT)


def test_another_target_is_wrong_usage_that_names_the_two() -> None:
    done = CliRunner().invoke(cli.app, ["up", "--target", "gke"])
    assert done.exit_code == 2
    assert "aci" in done.output
    assert "aks" in done.output


def test_a_machine_without_user_namespaces_is_one_line_with_the_remedy_before_anything_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbidden = tmp_path / "unshare"
    forbidden.write_text("#!/bin/sh\necho 'unshare failed: Operation not permitted' >&2\nexit 1\n")
    forbidden.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("journey.target._install_sdk", lambda *_: pytest.fail("went on"))
    with pytest.raises(NetworkError, match="user namespaces are forbidden here; allow them") as it:
        prepare(ROOT, Console())
    assert "\n" not in str(it.value)


def test_a_machine_without_ip_is_told_the_package_that_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local_azure.kubernetes.network.search_path", lambda: str(tmp_path))
    with pytest.raises(NetworkError, match="apt-get install util-linux iproute2"):
        prepare(ROOT, Console())


def test_an_sdk_that_cannot_be_installed_is_one_line_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / LOCK
    lock.parent.mkdir()
    lock.write_text(f"{SDK}==0.0.1 \\\n    --hash=sha256:{'0' * 64}\n")
    monkeypatch.setattr("local_azure.kubernetes.network.check", lambda: None)
    monkeypatch.setenv("UV_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_TIMEOUT", "1")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    before = {each.name: each.version for each in importlib.metadata.distributions()}
    with pytest.raises(JourneyError, match=f"{SDK} cannot be installed: .*registry") as it:
        prepare(tmp_path, Console())
    assert "\n" not in str(it.value)
    assert {each.name: each.version for each in importlib.metadata.distributions()} == before
