"""Mutants: what is changed, what is left alone, and that noticing is told from not noticing."""

from __future__ import annotations

import ast
import shutil
from collections import Counter
from pathlib import Path

import pytest

from tests.mutants import mutant, selection, table, trial
from tests.mutants.selection import Selection

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = '''"""A module."""

import functools
from collections.abc import Mapping

Table = Mapping[str, int]
"""An alias."""
LIMIT = 3


@functools.cache
def enough(count: int | None) -> bool:
    """Whether it is enough."""
    if count is None:
        raise ValueError("there is no count")
    return count >= LIMIT


def unseen() -> int:
    return 1
'''
TESTS = """from infra.one import enough


def test_three_are_enough() -> None:
    assert enough(3)
    assert not enough(1)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository of one module, with what tries mutants in it."""
    root = tmp_path / "repository"
    (root / "infra").mkdir(parents=True)
    (root / "infra" / "one.py").write_text(PROGRAM)
    (root / "tests" / "infra").mkdir(parents=True)
    (root / "tests" / "infra" / "test_one.py").write_text(TESTS)
    shutil.copytree(ROOT / "tests" / "mutants", root / "tests" / "mutants")
    return root


def changes(root: Path) -> set[tuple[str, str]]:
    return {(one.before, one.after) for one in mutant.of(root, "infra/one.py")}


def test_a_decorated_function_is_changed_too(root: Path) -> None:
    assert ("count >= LIMIT", "count > LIMIT") in changes(root) or (">= LIMIT", "> LIMIT") in (
        changes(root)
    )
    assert ("3", "4") in changes(root)


def test_words_aliases_annotations_and_decorators_are_left_alone(root: Path) -> None:
    lines = {one.line for one in mutant.of(root, "infra/one.py")}
    first = PROGRAM.splitlines().index("@functools.cache") + 1
    assert lines.isdisjoint({1, 3, 4, 6, 7, first, first + 1, first + 2})
    assert not any("XX" in after for _, after in changes(root))


def test_every_mutant_is_a_program_that_differs() -> None:
    module = "infra/review/verdict.py"
    own = ast.dump(ast.parse((ROOT / module).read_text(encoding="utf-8")))
    found = [ast.dump(ast.parse(one.code)) for one in mutant.of(ROOT, module)]
    assert len(found) > 50
    assert own not in found
    assert len(set(found)) > len(found) * 0.95


def test_what_is_noticed_is_told_from_what_is_not_and_is_kept(root: Path, tmp_path: Path) -> None:
    test = "tests/infra/test_one.py::test_three_are_enough"
    lines = range(1, PROGRAM.splitlines().index("def unseen() -> int:"))
    known = Selection({"infra/one.py": dict.fromkeys(lines, (test,))}, {test: 0.1})
    every = list(mutant.of(root, "infra/one.py"))
    seen = [one for one in every if one.line in lines]
    folder = trial.copy(root, tmp_path / "copy")
    kept = trial.Kept(tmp_path / "found.jsonl")

    def run(kept: trial.Kept, folders: list[Path]) -> dict[tuple[str, str], str]:
        found = trial.try_all(root, folders, seen, known, kept, ["tests/infra"])
        return {(one.before, one.after): outcome for one, outcome in found}

    outcomes = run(kept, [folder])
    assert outcomes["3", "4"] == "killed"
    # Nobody asks for what is said where there is no count.
    (said,) = [one for one in outcomes if one[0].startswith("ValueError")]
    assert outcomes[said] == "survived"
    # A second run knows all of it: there is no folder to try anything in.
    assert run(trial.Kept(tmp_path / "found.jsonl"), []) == outcomes
    assert (folder / "infra" / "one.py").read_text() == PROGRAM


def test_tests_that_fail_without_any_change_are_no_judges(root: Path, tmp_path: Path) -> None:
    (root / "tests" / "infra" / "test_one.py").write_text("def test_three_are_enough(): assert 0")
    test = "tests/infra/test_one.py::test_three_are_enough"
    lines = dict.fromkeys(range(1, 30), (test,))
    found = trial.try_all(
        root,
        [trial.copy(root, tmp_path / "copy")],
        list(mutant.of(root, "infra/one.py")),
        Selection({"infra/one.py": lines}, {test: 0.1}),
        trial.Kept(tmp_path / "found.jsonl"),
        ["tests/infra"],
    )
    with pytest.raises(trial.TrialError, match="fail in a copy"):
        list(found)
    assert not (tmp_path / "found.jsonl").exists()


def test_a_line_that_runs_at_import_is_held_by_every_test_of_the_module() -> None:
    known = Selection({"a.py": {5: ("t::one",), 7: ("t::two",)}}, {"t::one": 2.0, "t::two": 1.0})
    assert known.of("a.py", 5) == ["t::one"]
    assert known.of("a.py", 1) == ["t::two", "t::one"]
    assert known.of("b.py", 1) == []


def test_a_module_is_held_by_the_tests_of_its_own_folder() -> None:
    assert selection.tests_of("infra/drift/stack.py", ROOT) == ("tests/infra/drift",)
    assert selection.tests_of("infra/policy/rules/vault.py", ROOT) == ("tests/infra/policy",)
    assert "tests/infra/test_naming.py" in selection.tests_of("infra/naming.py", ROOT)


def test_the_table_counts_what_hangs_as_noticed_and_names_the_reasons() -> None:
    rows = [table.Row("a.py", 12, Counter(killed=8, hung=1, survived=1))]
    assert table.score(rows) == 90.0
    one = mutant.Mutant("a.py", 3, "x", "y", "")
    reasons = {("a.py", "x", "y"): "the same"}
    assert table.survivors([(one, "survived")], reasons) == "a.py:3: x  ->  y  # the same"
    assert "no test runs it" in table.survivors([(one, "unseen")], {})
