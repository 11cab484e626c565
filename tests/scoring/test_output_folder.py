"""A folder that a user names: nothing in it is lost that the command did not write itself."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from typer.testing import CliRunner

from model_eval.__main__ import app as model_eval
from scoring.cli import app as scoring
from scoring.errors import OutputError
from scoring.output_folder import extended, replaced, write_text


def tree(folder: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def write(place: Path, name: str, meanwhile: Callable[[], None] = lambda: None) -> None:
    """What a command does: one file, and something that happens while it works."""
    with replaced(place, "a result") as draft:
        (draft / name).write_text(name)
        meanwhile()


def lose() -> None:
    raise ValueError("the connection was lost")


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with `.git`, which is the working directory, in a home with files."""
    home = tmp_path / "home"
    folder = home / "checkout"
    (folder / ".git").mkdir(parents=True)
    (folder / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (folder / "work.py").write_text("print('mine')\n")
    for name in ("others", "fresh", "sub"):
        (folder / name).mkdir()
    (folder / "others" / "theirs.txt").write_text("keep")
    (home / "clone" / ".git").mkdir(parents=True)
    (home / "link").symlink_to(folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path))
    return folder


PLACES = [".", "..", "/", "~", "others", "sub/..", "../clone", "../link", "work.py"]
COMMANDS = {
    "retrieve": (model_eval, ["retrieve", "--out"]),
    "train": (model_eval, ["train", "--out"]),
    "validate": (model_eval, ["validate", "--out"]),
    "smoke": (model_eval, ["smoke", "--uri", "http://127.0.0.1:9/score", "--out"]),
    "build": (scoring, ["build", "--model", "MODEL", "--out"]),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_with_other_files_is_refused_in_one_line_and_untouched(
    command: str, place: str, checkout: Path, model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from model_eval.registry import Registry

    monkeypatch.setattr(Registry, "connect", lambda *_: Registry(cast("Any", None)))
    app, arguments = COMMANDS[command]
    words = [str(model_dir) if word == "MODEL" else word for word in arguments]
    before = tree(checkout.parent)
    done = CliRunner().invoke(app, [*words, place])
    assert done.exit_code == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert "Nothing was touched" in done.stderr
    assert tree(checkout.parent) == before


def test_register_refuses_before_it_registers(
    checkout: Path, model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from model_eval.registry import Registry

    monkeypatch.setattr(Registry, "connect", lambda *_: pytest.fail("it asked the workspace"))
    report = tmp_path / "report.json"
    report.write_text("{}")
    done = CliRunner().invoke(
        model_eval,
        ["register", "--model", str(model_dir), "--report", str(report), "--retrieve-to", "."],
    )
    assert done.exit_code == 1
    assert "Nothing was touched" in done.stderr


def test_a_new_an_empty_and_its_own_folder_are_written(checkout: Path) -> None:
    for place in (Path("new/deep"), Path("fresh")):
        for content in ("one", "two"):
            write(place, content)
            assert set(tree(place)) == {content, ".written-by.json"}


def test_its_own_folder_with_somebody_elses_file_is_refused(checkout: Path) -> None:
    write(Path("new"), "one")
    Path("new/notes.txt").write_text("mine")
    before = tree(checkout)
    with pytest.raises(OutputError, match=r"holds 'notes\.txt'"):
        write(Path("new"), "one")
    assert tree(checkout) == before


def test_the_result_of_another_command_is_refused(checkout: Path) -> None:
    write(Path("new"), "one")
    for take in (replaced(Path("new"), "another").__enter__, lambda: extended(Path("new"), "x")):
        with pytest.raises(OutputError, match="Nothing was touched"):
            take()


def test_a_failure_leaves_what_was_there_and_no_new_folder(checkout: Path) -> None:
    write(Path("new"), "one")
    before = tree(checkout)
    for place in ("new", "deep/er"):
        with pytest.raises(ValueError, match="lost"):
            write(Path(place), "half", lose)
    assert tree(checkout) == before


def test_a_file_that_comes_while_it_works_is_not_lost(checkout: Path) -> None:
    def come() -> None:
        Path("new").mkdir()
        Path("new/theirs").write_text("keep")

    with pytest.raises(OutputError, match="Nothing was touched"):
        write(Path("new"), "one", come)
    assert tree(Path("new")) == {"theirs": b"keep"}


def test_a_swap_that_fails_puts_back_what_was_there(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(Path("new"), "one")
    before = tree(checkout)
    rename = Path.rename

    def full(self: Path, target: Path) -> Path:
        if self.name == "new" and self.parent.name.startswith(".draft-"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OutputError, match="No space left"):
        write(Path("new"), "two")
    assert tree(checkout) == before


def test_files_gather_in_a_folder_of_one_kind(checkout: Path) -> None:
    for name in ("report.json", "results.png"):
        write_text(extended(Path("out"), "evidence") / name, name)
    Path("out/notes.txt").write_text("mine")
    extended(Path("out"), "evidence")
    assert set(tree(Path("out"))) == {
        ".written-by.json",
        "notes.txt",
        "report.json",
        "results.png",
    }


def test_a_result_file_that_is_a_folder_is_one_line(checkout: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write_text(Path("others"), "text")
