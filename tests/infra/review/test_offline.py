"""The policies on the program, as a fork's pull request gets them: no login and no engine."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from infra import azure_facts
from tests.support import kubernetes_sdk

ROOT = Path(__file__).resolve().parents[3]
IMAGE = f"crmnistdev1a2b3c4d.azurecr.io/sklearn-mnist-svc@sha256:{'a' * 64}"
SERVICE = {"image": IMAGE, "modelSha256": "b" * 64}
SECRET = {"secure": "v1:AAAAAAAAAAAAAAAA:bm90IHJlYWxseSBlbmNyeXB0ZWQ="}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project file and a stack's configuration, whose values a test may change."""
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    shutil.copy(ROOT / "Pulumi.dev.yaml", tmp_path)
    return tmp_path


def configure(project: Path, **values: object) -> None:
    file = project / "Pulumi.dev.yaml"
    content = yaml.safe_load(file.read_text())
    content["config"] |= {name.replace("__", ":"): value for name, value in values.items()}
    file.write_text(yaml.safe_dump(content))


def offline(project: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """A review with nothing on PATH and nobody signed in."""
    kept = {name: each for name, each in os.environ.items() if name in {"HOME", "LANG"}}
    return subprocess.run(
        [
            *(sys.executable, "-m", "infra.review", "--offline"),
            *("--stack", "dev", "--cwd", str(project), *more),
        ],
        cwd=ROOT,
        env={**kept, "PATH": "/nowhere", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_committed_stack_keeps_every_policy(project: Path) -> None:
    done = offline(project, "--strict", "--json", str(project / "r.json"))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Only what the program declares was held against the policies")
    report = json.loads((project / "r.json").read_text())
    assert (report["findings"], report["undecided"], report["changes"]) == ([], [], [])


def test_the_service_is_judged_too_and_nothing_is_decrypted(project: Path) -> None:
    values = {f"sklearn-mnist-svc__{name}": each for name, each in SERVICE.items()}
    configure(project, **values, **{"sklearn-mnist-svc__scoringKey": SECRET})
    limits = project / "limits.yaml"
    limits.write_text("cpu: 0.5\nmemory_gb: 16\n")
    done = offline(project, "--strict", "--limits", str(limits))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("error: mandatory policies are violated: cont")
    assert "stands-for-a-secret" not in done.stdout + done.stderr


def test_a_stack_on_kubernetes_is_judged_too(project: Path) -> None:
    values = {f"sklearn-mnist-svc__{name}": each for name, each in SERVICE.items()}
    secrets = {f"sklearn-mnist-svc__{name}": SECRET for name in ("scoringKey", "kubeconfig")}
    for more in ({}, secrets):
        configure(project, **values, **more, **{"sklearn-mnist-svc__target": "aks"})
        done = subprocess.run(
            [
                *(sys.executable, "-m", "infra.review.offline_program", "sklearn-mnist-svc", "dev"),
                str(project / "Pulumi.dev.yaml"),
            ],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{kubernetes_sdk.packages()}"},
            capture_output=True,
            text=True,
            check=True,
        )
        told = json.loads(done.stdout.splitlines()[-1])
        kinds = {one["type"] for one in told["resources"]}
        assert azure_facts.DEPLOYMENT in kinds, told
        assert (azure_facts.MANAGED_CLUSTER in kinds) is (not more)


def test_a_stack_on_kubernetes_without_its_sdk_is_told_what_to_install(project: Path) -> None:
    if importlib.util.find_spec("pulumi_kubernetes"):
        pytest.skip("it is installed beside the program")
    configure(project, **{"sklearn-mnist-svc__target": "aks"})
    done = offline(project)
    assert done.returncode == 1
    assert "pip install --require-hashes -r infra/requirements-aks.txt" in done.stdout


def test_another_region_is_refused(project: Path) -> None:
    configure(project, **{"azure-native__location": "eastus"})
    done = offline(project)
    assert done.returncode == 1
    assert done.stderr == "error: mandatory policies are violated: allowed-location\n"


def test_a_wrong_setting_is_said_as_the_program_says_it(project: Path) -> None:
    configure(project, **{"sklearn-mnist-svc__cpu": "99"})
    done = offline(project)
    assert done.returncode == 1
    assert "cpu" in done.stdout
    assert "allowed:" in done.stdout
    assert done.stderr == "error: the preview failed; the report shows its errors\n"


def test_a_stack_without_a_configuration_is_a_one_line_error(project: Path) -> None:
    (project / "Pulumi.dev.yaml").unlink()
    done = offline(project)
    assert done.returncode == 1
    assert done.stderr == (
        "error: the stack dev has no configuration: there is no Pulumi.dev.yaml\n"
    )


def test_the_program_gets_no_token_of_the_workflow(project: Path) -> None:
    from infra.review import offline as room

    assert not [name for name in room._KEPT if "TOKEN" in name or "GITHUB" in name]
