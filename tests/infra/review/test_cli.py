"""What the command makes of a plan: where the report goes, what it prints, how it ends."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from defusedxml import ElementTree
from typer.testing import CliRunner

from infra.github.keep_one import marker
from infra.review.cli import app
from tests.infra.preview.conftest import Pulumi
from tests.support.answering import answering
from tests.support.github_api import TOKEN, Comments

ROOT = Path(__file__).resolve().parents[3]
RECORDED = Path(__file__).with_name("recorded") / "events.jsonl"
STORAGE = "azure-native:storage:StorageAccount"
REGISTRY = "azure-native:containerregistry:Registry"
OPEN = {"adminUserEnabled": True}
SECRET = "open-sesame-street"

Make = Callable[..., Any]
Plan = Callable[..., str]


@pytest.fixture(autouse=True)
def _no_workflow(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("GITHUB_", "ARM_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def workflow(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A run of GitHub's; the file of its summary."""
    for name, value in {
        "GITHUB_ACTIONS": "true",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "o/r",
        "GITHUB_RUN_ID": "42",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }.items():
        monkeypatch.setenv(name, value)
    return tmp_path / "summary.md"


@pytest.fixture
def plan(tmp_path: Path, text: Make) -> Plan:
    """Writes a plan of events; the file's name."""

    def write(*events: Any, name: str = "plan.jsonl", **more: str) -> str:
        (tmp_path / name).write_text(text(*events, **more))
        return str(tmp_path / name)

    return write


def review(*arguments: str | Path, stack: str = "dev") -> Any:
    return CliRunner().invoke(app, ["--stack", stack, *map(str, arguments)])


def lines(done: Any) -> list[str]:
    return done.stdout.splitlines()


@pytest.mark.parametrize("option", ["--markdown", "--json", "--html"])
def test_with_a_file_for_the_report_the_verdict_alone_is_printed(
    tmp_path: Path, option: str
) -> None:
    printed = review("--plan", RECORDED)
    done = review("--plan", RECORDED, option, tmp_path / "report")
    assert (done.exit_code, done.stderr) == (0, "")
    assert len(lines(done)) == 2
    assert printed.stdout.count("\n") > 20
    assert all(line in printed.stdout for line in lines(done))
    written = (tmp_path / "report").read_text(encoding="utf-8")
    if option == "--markdown":
        assert written + "\n" == printed.stdout
    elif option == "--json":
        assert json.loads(written)["verdict"].splitlines() == lines(done)
    else:
        assert written.startswith("<!doctype html>")
        assert "tags" in written


def test_what_machines_read_is_written_beside_the_printed_report(
    tmp_path: Path, plan: Plan, step: Make
) -> None:
    file = plan(step("same", "registry", REGISTRY, old=OPEN, new=OPEN))
    files = tmp_path / "junit.xml", tmp_path / "sarif.json"
    done = review("--plan", file, "--junit", files[0], "--sarif", files[1])
    assert done.exit_code == 1
    assert done.stdout == review("--plan", file).stdout
    assert "## " in done.stdout
    suite = ElementTree.parse(files[0]).getroot()
    assert suite is not None
    assert suite.attrib["failures"] == "1"
    found = json.loads(files[1].read_text())["runs"][0]["results"]
    errors = [each["ruleId"] for each in found if each["level"] == "error"]
    assert errors == ["no-admin-account"]


def test_what_is_not_ascii_is_written_as_it_is_read(tmp_path: Path, plan: Plan, step: Make) -> None:
    file = plan(step("create", "s", STORAGE, new={"tags": {"team": "Größe"}}))
    review("--plan", file, "--markdown", tmp_path / "r.md")
    assert "Größe" in (tmp_path / "r.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["prod", "org/prod"])
def test_the_report_is_of_the_named_stack(tmp_path: Path, name: str) -> None:
    review("--plan", RECORDED, "--json", tmp_path / "r.json", stack=name)
    assert json.loads((tmp_path / "r.json").read_text())["stack"] == name


def test_a_workflow_gets_the_report_and_the_address_of_its_run(
    workflow: Path, tmp_path: Path
) -> None:
    done = review("--plan", RECORDED, "--json", tmp_path / "r.json")
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["run_url"] == "https://github.com/o/r/actions/runs/42"
    assert "https://github.com/o/r/actions/runs/42" in workflow.read_text()
    assert "| `tags.team` | `(none)` | `blue` |" in workflow.read_text()
    told = report["verdict"].replace("\n", "%0A")
    assert f"::notice title=Review of dev::{told}" in lines(done)


def test_a_workflows_first_page_says_what_stops_the_change(
    workflow: Path, plan: Plan, step: Make
) -> None:
    logs = "azure-native:operationalinsights:Workspace"
    named = {"workspaceName": "log-mnist"}
    file = plan(
        step("same", "registry", REGISTRY, old=OPEN, new=OPEN),
        step("replace", "logs", logs, old=named, new=named),
    )
    assert [each for each in lines(review("--plan", file)) if each.startswith("::error")] == [
        "::error title=This update cannot finish::logs: the deleted workspace stays soft-deleted "
        "and holds its name for 14 days",
        "::error title=no-admin-account::registry: adminUserEnabled is true; leave it false and "
        "give identities a role instead",
    ]


UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


@pytest.mark.parametrize(
    ("options", "level", "code"), [([], "warning", 0), (["--strict"], "error", 1)]
)
def test_a_rule_that_is_not_decided_warns_or_if_strict_stops(
    workflow: Path, plan: Plan, step: Make, options: list[str], level: str, code: int
) -> None:
    undecided = {"registryName": "cr", "adminUserEnabled": UNKNOWN}
    file = plan(step("create", "registry", REGISTRY, new=undecided))
    done = review("--plan", file, *options)
    assert done.exit_code == code
    (told,) = [each for each in lines(done) if each.startswith("::") and "is not decided" in each]
    assert told.startswith(
        f"::{level} title=no-admin-account is not decided::registry: adminUserEnabled is not known"
    )
    assert ("not decided (--strict): no-admin-account of registry" in done.stderr) is bool(code)


def test_an_endpoint_may_lose_its_key_where_that_is_allowed_alone(
    plan: Plan, group: Make, group_change: Make
) -> None:
    new = group()
    variables = new["containers"][0]["environmentVariables"]
    new["containers"][0]["environmentVariables"] = variables[:-1]
    file = plan(group_change(group(), new))
    refused = review("--plan", file)
    assert refused.exit_code == 1
    assert refused.stderr.startswith("error: mandatory policies are violated: ")
    assert review("--plan", file, "--allow-open").exit_code == 0


def test_the_manifests_of_a_folder_say_how_good_a_model_is(
    plan: Plan, group: Make, group_change: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = ROOT / "model_eval" / "models" / "sklearn_mnist" / "1"
    sha256 = json.loads((model / "manifest.json").read_text())["sha256"]
    file = plan(group_change(group(), group(model=sha256)))
    monkeypatch.chdir(tmp_path)
    assert "| accuracy | unknown | unknown |" in review("--plan", file).stdout
    named = review("--plan", file, "--manifests", model.parent.parent).stdout
    assert "| accuracy | unknown | 0." in named
    shutil.copytree(model, tmp_path / "model_eval" / "models" / "m")
    assert review("--plan", file).stdout == named


def test_a_model_whose_manifest_cannot_be_read_is_said(
    tmp_path: Path,
) -> None:
    (tmp_path / "own" / "m").mkdir(parents=True)
    (tmp_path / "own" / "m" / "manifest.json").write_text("{")
    review("--plan", RECORDED, "--manifests", tmp_path / "own", "--json", tmp_path / "r.json")
    (broken,) = json.loads((tmp_path / "r.json").read_text())["manifests_broken"]
    assert broken.startswith("m/manifest.json: ")


@pytest.fixture
def reviewed(tmp_path: Path, plan: Plan, step: Make) -> Path:
    """The JSON of a review: the tag of a registry changes, and a hidden value of it."""
    review("--plan", plan(*_tagged(step, "blue", "one")), "--json", tmp_path / "reviewed.json")
    return tmp_path / "reviewed.json"


def _tagged(step: Make, tag: str, hidden: str) -> list[Any]:
    old = {"tags": {"team": "red"}, "policies": {"name": f"{hidden}-before-this"}}
    new = {"tags": {"team": tag}, "policies": {"name": f"{hidden}-{hidden}"}}
    return [step("update", "registry", REGISTRY, old=old, new=new)]


def test_what_is_as_it_was_reviewed_is_no_difference(
    reviewed: Path, plan: Plan, step: Make
) -> None:
    done = review("--plan", plan(*_tagged(step, "blue", "one")), "--expect", reviewed)
    assert (done.exit_code, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("tag", "hidden", "moved"),
    [
        ("green", "one", "`tags.team`: `red` -> `blue` was reviewed, now `red` -> `green`"),
        ("blue", "two", "a value that is not shown, or a secret of the stack, is another one"),
    ],
)
def test_what_moved_since_the_review_is_said_and_gives_seven(
    *, reviewed: Path, plan: Plan, step: Make, workflow: Path, tag: str, hidden: str, moved: str
) -> None:
    file = plan(*_tagged(step, tag, hidden))
    done = review("--plan", file, "--expect", reviewed)
    assert done.exit_code == 7
    first, last = done.stderr.splitlines()
    assert first.startswith("moved: `containerregistry:Registry registry`")
    assert first.endswith(moved)
    assert last.startswith("error: the world moved since the review; nothing was touched")
    assert f"::error title=Not as it was reviewed::{first.removeprefix('moved: ')}" in lines(done)
    assert moved in workflow.read_text()


def test_the_page_shows_what_moved(reviewed: Path, plan: Plan, step: Make, tmp_path: Path) -> None:
    file = plan(*_tagged(step, "green", "one"))
    review("--plan", file, "--expect", reviewed, "--html", tmp_path / "r.html")
    review("--plan", file, "--html", tmp_path / "o.html")
    word = "was reviewed"
    assert [word in (tmp_path / each).read_text() for each in ("r.html", "o.html")] == [True, False]


def test_an_expected_review_that_is_none_is_a_one_line_error(tmp_path: Path) -> None:
    done = review("--plan", RECORDED, "--expect", tmp_path / "nothing.json")
    assert (done.exit_code, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: cannot read the expected review")


def test_an_output_that_changes_is_a_change(plan: Plan, outputs: Make) -> None:
    file = plan(outputs({"fqdn": "a"}, {"fqdn": "b"}))
    assert review("--plan", file).exit_code == 0
    done = review("--plan", file, "--expect-no-changes")
    assert (done.exit_code, done.stderr) == (
        7,
        "error: changes were found and none were expected\n",
    )
    same = plan(outputs({"fqdn": "a"}, {"fqdn": "a"}))
    assert review("--plan", same, "--expect-no-changes").exit_code == 0


def test_what_must_not_be_made_is_said_before_what_moved(
    reviewed: Path, plan: Plan, step: Make
) -> None:
    file = plan(*_tagged(step, "green", "one"), result="failed")
    done = review("--plan", file, "--expect", reviewed, "--expect-no-changes")
    assert (done.exit_code, done.stderr) == (
        1,
        "error: the preview failed; the report shows its errors\n",
    )


@pytest.mark.parametrize("words", [[], ["--repository", "o/r", "--pull-request", "7"]])
def test_the_comment_is_posted_where_the_workflow_or_the_options_say(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: list[str]
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: digits\n")
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setenv("GITHUB_REPOSITORY", "another/one" if words else "o/r")
    monkeypatch.setenv("GITHUB_REF", f"refs/pull/{9 if words else 7}/merge")
    server = Comments()
    monkeypatch.setenv("GITHUB_API_URL", server.url)
    with answering(server):
        quiet = review("--plan", RECORDED, "--cwd", tmp_path)
        assert server.comments == []
        done = review("--plan", RECORDED, "--cwd", tmp_path, "--post", *words)
    assert (done.exit_code, done.stderr) == (0, "")
    assert lines(done)[-1] == "Created the comment on pull request 7: http://c/0"
    (comment,) = server.comments
    first, _, body = comment["body"].partition("\n")
    assert first == marker("infra-review", "digits", "dev")
    assert body.strip() == quiet.stdout.strip()


def test_a_comment_that_github_refuses_is_a_one_line_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "another-token")
    monkeypatch.setenv("GITHUB_REPOSITORY", "o/r")
    server = Comments()
    monkeypatch.setenv("GITHUB_API_URL", server.url)
    with answering(server):
        done = review("--plan", RECORDED, "--cwd", ROOT, "--post", "--pull-request", "7")
    assert done.exit_code == 1
    assert done.stderr.startswith("error: the comment was not posted: ")


def test_where_to_comment_has_to_be_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    done = review("--plan", RECORDED, "--cwd", ROOT, "--post", "--pull-request", "7")
    assert done.exit_code == 1
    assert "the repository is ''; allowed: OWNER/NAME; set GITHUB_REPOSITORY" in done.stderr


def test_a_pull_request_has_a_number_from_one_on() -> None:
    done = review("--plan", RECORDED, "--pull-request", "0")
    assert done.exit_code == 2
    assert review("--plan", RECORDED, "--pull-request", "1").exit_code == 0


CONFIG = {"digits:scoringKey": {"value": SECRET, "secret": True}}


@pytest.fixture
def folder(pulumi: Pulumi, tmp_path: Path, text: Make, step: Make) -> Path:
    """A project whose preview shows a secret of its configuration where none should be."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "config").write_text(json.dumps(CONFIG))
    new = {"tags": {"team": f"at {SECRET}"}}
    (folder / "preview").write_text(text(step("create", "registry", REGISTRY, new=new)))
    pulumi.says(config="cat config", stack="echo '{}'", preview="cat preview")
    return folder


def test_a_preview_is_made_in_the_named_folder_with_a_refresh(pulumi: Pulumi, folder: Path) -> None:
    done = review("--cwd", folder, stack="prod")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "containerregistry:Registry" in done.stdout
    (asked,) = [each for each in pulumi.asked if each[0] == "preview"]
    assert "--refresh" in asked
    assert asked[asked.index("--stack") + 1] == "prod"


def test_by_default_the_preview_is_made_in_this_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert "containerregistry:Registry" in review().stdout


def test_a_secret_of_the_configuration_is_shown_nowhere(folder: Path, tmp_path: Path) -> None:
    done = review("--cwd", folder, "--json", tmp_path / "r.json", "--html", tmp_path / "r.html")
    written = (tmp_path / "r.json").read_text() + (tmp_path / "r.html").read_text()
    assert "team" in written
    assert SECRET not in written + done.stdout + done.stderr


def test_the_digests_of_a_stack_with_other_secrets_are_others(
    folder: Path, tmp_path: Path, pulumi: Pulumi
) -> None:
    """What was planned cannot be guessed from a digest without knowing the secrets."""

    def digests() -> list[str]:
        review("--cwd", folder, "--json", tmp_path / "r.json")
        return [one["digest"] for one in json.loads((tmp_path / "r.json").read_text())["changes"]]

    first = digests()
    assert digests() == first
    other = {"digits:scoringKey": {"value": "another-sesame", "secret": True}}
    (folder / "config").write_text(json.dumps(other))
    assert digests() != first


def test_a_preview_that_cannot_be_made_is_one_line_without_the_environments_secrets(
    pulumi: Pulumi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_ACCESS_TOKEN", SECRET)
    pulumi.does(f"echo 'error: no login with {SECRET}' >&2; exit 1")
    done = review("--cwd", tmp_path)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.endswith("no login with [hidden]\n")
    assert len(done.stderr.splitlines()) == 1


def test_a_refused_login_says_what_azure_said_without_secrets(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARM_CLIENT_SECRET", SECRET)
    said = {"severity": "error", "message": f"AADSTS7000215: {SECRET} is no secret of the app"}
    done = review("--plan", plan({"diagnosticEvent": said}, result="failed"))
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == (
        "error: Azure refused the login: AADSTS7000215: [hidden] is no secret of the app; sign in"
        " again (az login), or set ARM_CLIENT_ID, ARM_TENANT_ID and what the login needs\n"
    )


@pytest.mark.parametrize("content", [b"\xff", b"\xe9{}"])
def test_a_plan_that_is_no_text_is_a_one_line_error(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "plan.json"
    file.write_bytes(content)
    done = review("--plan", file)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: cannot read the plan {file}: ")


def test_limits_of_ones_own_take_the_place_of_the_policys(
    tmp_path: Path, plan: Plan, step: Make
) -> None:
    file = plan(step("create", "registry", REGISTRY, new={"location": "eastus"}))
    assert review("--plan", file).exit_code == 1
    (tmp_path / "limits.yaml").write_text("locations: [eastus]")
    assert review("--plan", file, "--limits", tmp_path / "limits.yaml").exit_code == 0


def test_a_plan_that_pulumi_did_not_write_is_a_one_line_error(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text('{"steps": [1]}')
    done = review("--plan", tmp_path / "plan.json")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(
        f"error: the plan {tmp_path}/plan.json is not what `pulumi preview --json` writes:"
        " AttributeError: "
    )


def test_a_report_that_cannot_be_written_is_a_one_line_error(tmp_path: Path) -> None:
    done = review("--plan", RECORDED, "--json", tmp_path / "no" / "r.json")
    assert done.exit_code == 1
    assert done.stderr == f"error: cannot write {tmp_path}/no/r.json: No such file or directory\n"


def test_a_plan_is_read_as_utf_8(plan: Plan, step: Make) -> None:
    file = plan(step("create", "s", STORAGE, new={"tags": {"team": "Größe"}}))
    content = Path(file).read_text(encoding="utf-8").replace("\\u00f6", "ö").replace("\\u00df", "ß")
    Path(file).write_text(content, encoding="utf-8")
    assert "Größe" in review("--plan", file).stdout


def test_offline_the_program_of_the_named_folder_is_held_against_the_policies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: digits\n")
    (tmp_path / "Pulumi.prod.yaml").write_text("config: {}\n")
    declared = [{"type": REGISTRY, "name": "registry", "inputs": OPEN}]
    (tmp_path / "told").write_text(json.dumps({"resources": declared}))
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\ncat told\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    done = review("--offline", "--cwd", tmp_path, "--expect-no-changes", stack="prod")
    assert "Only what the program declares" in done.stdout
    assert (done.exit_code, done.stderr) == (
        1,
        "error: mandatory policies are violated: no-admin-account\n",
    )


def test_no_completion_is_offered_to_be_installed() -> None:
    assert "completion" not in CliRunner().invoke(app, ["--help"]).stdout
