"""The policies on the program, as a fork's pull request gets them: no login and no engine."""

from __future__ import annotations

import json
import os
import shutil
import site
import subprocess
import sys
from collections.abc import Callable
from importlib.machinery import PathFinder
from pathlib import Path

import pytest
import yaml

from infra import azure_facts
from infra.preview.engine import PreviewError
from infra.preview.plan import Diagnostic, Op, Plan, State, Step
from infra.preview.untold import SECRET as UNTOLD
from infra.review import offline as room
from infra.review.errors import ReviewError
from tests.support import kubernetes_sdk

ROOT = Path(__file__).resolve().parents[3]
IMAGE = f"crmnistdev1a2b3c4d.azurecr.io/sklearn-mnist-svc@sha256:{'a' * 64}"
SERVICE = {"image": IMAGE, "modelSha256": "b" * 64}
SIGNATURE = "4dabf18193072939515e22adb298388d"
MARK = "1b47061264138c4ac30d75fd1eb44270"
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
    # Other tests may have let this process import it; the review is a process of its own.
    if PathFinder.find_spec("pulumi_kubernetes", site.getsitepackages()):
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


Program = Callable[[str], None]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Puts a script where the program would run."""
    file = tmp_path / "python"

    def does(script: str) -> None:
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)

    monkeypatch.setattr(sys, "executable", str(file))
    return does


def test_the_program_gets_no_token_of_the_workflow(
    project: Path, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GITHUB_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ARM_CLIENT_SECRET", "OTHER"):
        monkeypatch.setenv(name, "of-the-workflow")
    kept = ("HOME", "LANG", "LC_ALL", "VIRTUAL_ENV", "SYSTEMROOT", "TMPDIR")
    for name in kept:
        monkeypatch.setenv(name, f"own-{name}")
    program("env > told; pwd > place; cat > typed; echo '{\"resources\": []}'")
    room.plan("dev", project)
    told = (project / "told").read_text()
    assert "of-the-workflow" not in told
    assert {f"{name}=own-{name}" for name in kept} <= {*told.splitlines()}
    assert f"PATH={os.environ['PATH']}\n" in told
    assert f"PYTHONPATH={ROOT}\n" in told
    assert (project / "place").read_text().strip() == str(project)
    assert (project / "typed").read_text() == ""


def test_what_the_program_declares_is_new_and_in_the_order_of_its_names(
    project: Path, program: Program
) -> None:
    declared = [
        {"type": "t:B", "name": "b", "inputs": {"key": {SIGNATURE: MARK, "value": "x"}}},
        {"type": "t:A", "name": "a", "inputs": {"tags": {"a": 1}}},
    ]
    (project / "told").write_text(json.dumps({"resources": declared}))
    (project / "inner").mkdir()
    program('echo "$@" > asked; echo a warning; cat told')
    plan = room.plan("dev", project / "inner")
    assert plan == Plan(
        (
            Step(
                Op.CREATE,
                "urn:pulumi:dev::sklearn-mnist-svc::t:A::a",
                "t:A",
                new=State({"tags": {"a": 1}}),
            ),
            Step(
                Op.CREATE,
                "urn:pulumi:dev::sklearn-mnist-svc::t:B::b",
                "t:B",
                new=State({"key": UNTOLD}),
            ),
        )
    )
    assert (project / "asked").read_text().split() == [
        *("-m", "infra.review.offline_program", "sklearn-mnist-svc", "dev"),
        str(project / "Pulumi.dev.yaml"),
    ]


def test_what_the_program_says_is_wrong_is_a_failed_preview(
    project: Path, program: Program
) -> None:
    program("""echo '{"error": "cpu is 99"}'""")
    plan = room.plan("dev", project)
    assert (plan.failed, plan.diagnostics) == (True, (Diagnostic("error", "", "cpu is 99"),))


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo one >&2; echo '  two' >&2; exit 3", "could not be run: two"),
        ("echo words; exit 3", "could not be run: exit code 3"),
        ("exec sleep 60", "did not end within 0.1 s"),
    ],
)
def test_a_program_that_says_nothing_is_a_one_line_error(
    project: Path, program: Program, script: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "sleep" in script:
        monkeypatch.setattr(room, "LONGEST", 0.1)
    program(script)
    with pytest.raises(ReviewError, match=said) as caught:
        room.plan("dev", project)
    assert "\n" not in str(caught.value)


def test_a_folder_outside_of_any_project_is_a_one_line_error(tmp_path: Path) -> None:
    with pytest.raises(PreviewError, match=r"no Pulumi\.yaml"):
        room.plan("dev", tmp_path)
