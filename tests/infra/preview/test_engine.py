"""The Pulumi CLI as reviews and drift checks run it, by a `pulumi` that only a test knows."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.preview import engine
from tests.infra.preview.conftest import Pulumi


@pytest.fixture
def typed() -> Iterator[None]:
    """Somebody types into this process."""
    reader, writer = os.pipe()
    os.write(writer, b"yes\n")
    os.close(writer)
    before = os.dup(0)
    os.dup2(reader, 0)
    yield
    os.dup2(before, 0)
    os.close(before)
    os.close(reader)


@pytest.mark.usefixtures("typed")
def test_a_command_runs_in_its_folder_and_can_neither_ask_nor_colour(
    pulumi: Pulumi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THIS_PROCESS", "kept")
    pulumi.does('pwd; cat; echo "$OF_THIS_PROCESS $ADDED $PULUMI_SKIP_UPDATE_CHECK"; exit 3')
    done = engine.run(["stack", "ls"], tmp_path, {"ADDED": "too"})
    assert done.returncode == 3
    assert done.stdout.splitlines() == [str(tmp_path), "kept too true"]
    assert pulumi.asked == [["stack", "ls", "--non-interactive", "--color", "never"]]


def test_what_a_command_writes_may_be_any_bytes(pulumi: Pulumi, tmp_path: Path) -> None:
    pulumi.does(r"printf 'a\377b'; printf 'c\377d' >&2")
    done = engine.run(["version"], tmp_path)
    assert (done.stdout, done.stderr) == ("a\ufffdb", "c\ufffdd")


def test_what_cannot_be_started_is_told_with_what_to_do(
    pulumi: Pulumi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    with pytest.raises(engine.PreviewError, match=f"no folder {gone}; name one with --cwd"):
        engine.run(["up"], gone)
    file = tmp_path / "bin" / "pulumi"
    with pytest.raises(engine.PreviewError, match="cannot be started: Not a directory"):
        engine.run(["up"], file)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(engine.PreviewError, match="`pulumi` is not on PATH"):
        engine.run(["up"], tmp_path)


def test_a_document_is_what_a_command_wrote(pulumi: Pulumi, tmp_path: Path) -> None:
    (tmp_path / "state").write_text('{"a": [1]}')
    pulumi.does("cat state")
    assert engine.document(["stack", "export"], tmp_path) == {"a": [1]}


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo '{}'; echo 'error: no such stack' >&2; exit 1", "`pulumi stack` failed: no such"),
        ("echo plain words", "`pulumi stack` did not write JSON"),
    ],
)
def test_a_command_without_a_document_is_a_one_line_error(
    pulumi: Pulumi, tmp_path: Path, script: str, said: str
) -> None:
    pulumi.does(script)
    with pytest.raises(engine.PreviewError, match=said) as caught:
        engine.document(["stack", "export"], tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("out", "err", "said"),
    [
        ("", "warning: old\nerror: first\nerror: second\n", "first"),
        ("out", "  \n  panic: x  \n\n", "panic: x"),
        ("one\nerror: on its output\n", "", "on its output"),
        ("one\ntwo\n", "", "two"),
        (" \n", "", "exit code 255"),
    ],
)
def test_the_reason_is_the_first_error_else_the_last_line(out: str, err: str, said: str) -> None:
    assert engine.said(subprocess.CompletedProcess([], 255, out, err)) == said


@pytest.mark.parametrize("name", ["Pulumi.yaml", "Pulumi.yml"])
def test_the_project_is_found_above_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / name).write_text("name: größe\n", encoding="utf-8")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert (engine.project(inner), engine.project_file(inner).parent) == ("größe", tmp_path)
    monkeypatch.chdir(inner)
    assert engine.project(Path()) == "größe"
    assert engine.project_file(Path()).parent == tmp_path


def test_the_nearest_project_counts(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: far\n")
    inner = tmp_path / "a"
    (inner / "Pulumi.yaml").mkdir(parents=True)
    assert engine.project(inner) == "far"
    (inner / "Pulumi.yml").write_text("name: near\n")
    assert engine.project(inner) == "near"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[", "cannot read .* while parsing a flow node"),
        (b"name: \xff\n", "cannot read .* can't decode"),
        (b"name: 7\n", "names no project"),
        (b"name: ''\n", "names no project"),
        (b"", "names no project"),
    ],
)
def test_a_project_file_that_names_nothing_is_a_one_line_error(
    tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "Pulumi.yaml").write_bytes(content)
    with pytest.raises(engine.PreviewError, match=said) as caught:
        engine.project(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_folder_outside_of_any_project_is_a_one_line_error(tmp_path: Path) -> None:
    with pytest.raises(engine.PreviewError, match=r"no Pulumi\.yaml"):
        engine.project(tmp_path)
