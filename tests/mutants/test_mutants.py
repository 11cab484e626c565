"""Mutants: what is changed, what is left alone, and that noticing is told from not noticing."""

from __future__ import annotations

import ast
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from local_azure.home import Home
from scoring.bench.attacks import fuzzing
from tests.mutants import __main__ as command
from tests.mutants import mutant, selection, table, trial
from tests.mutants.selection import Selection
from tests.mutants.worker import changed

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


def test_an_argument_that_says_a_default_aloud_is_left_alone(root: Path) -> None:
    call = 'run([1], check=False, encoding="utf-8", text=True)'
    (root / "infra" / "one.py").write_text(f"def f():\n    {call}\n    run(check=True)\n")
    found = {after for before, after in changes(root) if before == call}
    assert found == {
        'run(None, check=False, encoding="utf-8", text=True)',
        'run(check=False, encoding="utf-8", text=True)',
        'run([1], check=False, encoding="utf-8", text=None)',
        'run([1], check=False, encoding="utf-8", )',
    }
    assert ("run(check=True)", "run(check=None)") in changes(root)
    assert ("False", "True") in changes(root)


def test_a_long_change_is_shown_around_its_place(root: Path) -> None:
    names = ", ".join(f"name_{number}" for number in range(100))
    (root / "infra" / "one.py").write_text(f"def f():\n    run({names}, 1)\n")
    (before,) = (each for each, after in changes(root) if after.endswith("name_99, None)"))
    assert before.endswith("name_98, name_99, 1)")
    assert len(before) < 200


def held(root: Path, folder: Path) -> Selection:
    """What the tests of the repository run: all but the last function."""
    test = "tests/infra/test_one.py::test_three_are_enough"
    whole = PROGRAM.splitlines()
    imported = range(1, whole.index("    if count is None:"))
    lines = range(len(imported), whole.index("def unseen() -> int:"))
    return Selection(dict.fromkeys(lines, (test,)), frozenset(imported), {test: 0.1})


def tried(
    root: Path, tmp_path: Path, workers: Sequence[trial.Worker], *, last: bool = True
) -> dict[tuple[str, str], str]:
    kept = trial.Kept(root, tmp_path / "found.jsonl")
    every = list(mutant.of(root, "infra/one.py"))
    found = trial.try_all(workers, every, held(root, tmp_path), kept, last=last)
    return {(one.mutant.before, one.mutant.after): one.outcome for one in found}


@contextmanager
def worker(root: Path, tmp_path: Path) -> Iterator[trial.Worker]:
    one = trial.Worker(trial.copy(root, tmp_path / "copy"), ["tests/infra"])
    try:
        yield one
    finally:
        one.end()


@pytest.mark.timeout(600)
def test_what_is_noticed_is_told_from_what_is_not_and_is_kept(root: Path, tmp_path: Path) -> None:
    with worker(root, tmp_path) as one:
        first = tried(root, tmp_path, [one], last=False)
        # Others may still notice what these have not: only what is noticed is kept.
        found = (tmp_path / "found.jsonl").read_text()
        assert found.count("killed") == [*first.values()].count("killed") > 0
        assert "survived" not in found
        outcomes = tried(root, tmp_path, [one])
    assert outcomes == first
    # Outside of a function, which is imported anew, and inside of one.
    assert outcomes["3", "4"] == "killed"
    assert outcomes[">= LIMIT", "> LIMIT"] == "killed"
    # Nobody asks for what is said where there is no count.
    (said,) = [one for one in outcomes if one[0].startswith("ValueError")]
    assert outcomes[said] == "survived"
    assert outcomes["1", "2"] == "unseen"
    # A second run knows all of it: there is no worker to try anything in.
    assert tried(root, tmp_path, []) == outcomes
    assert (tmp_path / "copy" / "infra" / "one.py").read_text() == PROGRAM


def test_what_was_noticed_stays_so_while_the_test_is_the_same(root: Path, tmp_path: Path) -> None:
    test = "tests/infra/test_one.py::test_three_are_enough"
    one = next(mutant.of(root, "infra/one.py"))
    kept = trial.Kept(root, tmp_path / "found.jsonl")
    kept.put(one, "killed", test, [test])
    file = root / "tests" / "infra" / "test_one.py"
    file.write_text(TESTS + "\n\ndef test_another() -> None:\n    pass\n")
    trial.forget()
    assert kept.get(one, [test]) == ("killed", test)
    file.write_text(TESTS.replace("enough(1)", "enough(2)"))
    trial.forget()
    assert kept.get(one, [test]) is None
    file.unlink()
    trial.forget()
    assert kept.get(one, [test]) is None


@pytest.mark.timeout(600)
def test_a_test_that_fails_without_any_change_is_no_judge(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "tests" / "infra" / "test_one.py").write_text("def test_three_are_enough(): assert 0")
    with worker(root, tmp_path) as one:
        assert "killed" not in tried(root, tmp_path, [one]).values()
    assert "it is no judge" in capsys.readouterr().err


@pytest.mark.timeout(600)
def test_a_measure_is_taken_again_when_the_module_or_the_test_has_changed(
    root: Path, tmp_path: Path
) -> None:
    tests = ["tests/infra/test_one.py"]
    kept = tmp_path / "kept"
    kept.mkdir()

    def lines() -> Mapping[int, tuple[str, ...]]:
        return selection.Measured(root, kept).of("infra/one.py", tests, root).lines

    limit = PROGRAM.splitlines().index("    return count >= LIMIT") + 1
    assert lines()[limit] == ("tests/infra/test_one.py::test_three_are_enough",)
    (root / "infra" / "one.py").write_text(f"\n{PROGRAM}")
    (root / tests[0]).write_text(TESTS.replace("three", "four"))
    assert lines()[limit + 1] == ("tests/infra/test_one.py::test_four_are_enough",)


@pytest.mark.timeout(600)
def test_only_the_named_tests_judge_and_what_was_measured_of_all_stays(
    root: Path, tmp_path: Path
) -> None:
    more = f"{TESTS}\n\ndef test_four_are_more() -> None:\n    assert enough(4)\n"
    (root / "tests" / "infra" / "test_one.py").write_text(more)

    def asked(judges: str) -> set[str]:
        known = selection.Measured(root, tmp_path / "kept", judges)
        found = known.of("infra/one.py", ["tests/infra/test_one.py"], root)
        return {test.rpartition("::")[2] for tests in found.lines.values() for test in tests}

    assert asked("") == {"test_three_are_enough", "test_four_are_more"}
    assert asked("four or five") == {"test_four_are_more"}
    assert asked("") == {"test_three_are_enough", "test_four_are_more"}


@pytest.mark.timeout(600)
def test_who_is_named_for_a_module_judges_its_constants_too(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = (
        "from infra.one import LIMIT\n\n\ndef test_it_is_three() -> None:\n    assert LIMIT == 3\n"
    )
    tests = ["tests/infra/test_one.py", "tests/infra/test_two.py"]
    (root / tests[1]).write_text(reads)
    test = f"{tests[1]}::test_it_is_three"
    assert test not in selection.Measured(root, tmp_path).of("infra/one.py", tests, root).seconds
    monkeypatch.setitem(selection._USERS, "infra/one.py", (tests[1],))
    assert test in selection.Measured(root, tmp_path).of("infra/one.py", tests, root).seconds


STARTS = """import os
import subprocess
import sys


def test_two_is_said() -> None:
    asked = [sys.executable, "-m", "infra.two"]
    done = subprocess.run(asked, env={"PYTHONPATH": os.getcwd()}, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("2\\n", "")
"""


@pytest.mark.timeout(600)
def test_a_process_that_a_test_starts_is_measured_though_it_gets_no_environment(
    root: Path, tmp_path: Path
) -> None:
    (root / "infra" / "two.py").write_text("def two():\n    return 2\n\n\nprint(two())\n")
    (root / "tests" / "infra" / "test_two.py").write_text(STARTS)
    found = selection.Measured(root, tmp_path).of("infra/two.py", ["tests/infra/test_two.py"], root)
    test = "tests/infra/test_two.py::test_two_is_said"
    assert found.lines == dict.fromkeys((1, 2, 5), (test,))
    assert not (root / "sitecustomize.py").exists()


WAITS = """import select
import time


def test_it_waits() -> None:
    assert select.select([], [], [], 1) == ([], [], [])


def test_it_works() -> None:
    end = time.process_time() + 0.3
    while time.process_time() < end:
        pass
"""


@pytest.mark.timeout(600)
def test_what_a_test_costs_is_what_it_works_and_not_how_long_it_waits(
    root: Path, tmp_path: Path
) -> None:
    """Who waits for a busy machine would be left out of the judges."""
    (root / "tests" / "infra" / "test_one.py").write_text(WAITS)
    found = selection.Measured(root, tmp_path).of("infra/one.py", ["tests/infra/test_one.py"], root)
    waits, works = (
        found.seconds[f"tests/infra/test_one.py::test_it_{one}"] for one in ("waits", "works")
    )
    assert waits < works < 1


def at(line: int, statement: int | None = None) -> mutant.Mutant:
    return mutant.Mutant("a.py", line, statement or line, "f", "x", "y", "")


def test_a_line_that_runs_at_import_is_held_by_every_test_of_the_module() -> None:
    known = Selection({5: ("t::one",)}, frozenset({1}), {"t::one": 2.0, "t::two": 1.0})
    assert known.of(at(5)) == ["t::one"]
    assert known.of(at(1)) == ["t::two", "t::one"]
    assert known.of(at(6)) == []
    # A line in the middle of a statement is not told.
    assert known.of(at(6, 5)) == ["t::one"]
    assert [known.anew(at(line)) for line in (1, 5)] == [True, False]


def test_a_branch_of_an_expression_is_held_by_those_too_who_run_another_one() -> None:
    known = Selection({5: ("t::one", "t::two"), 6: ("t::one",)}, frozenset(), {})
    assert known.of(at(6, 5)) == ["t::one", "t::two"]


def test_a_module_that_no_test_imports_is_held_by_the_processes_that_tests_start() -> None:
    known = Selection({}, frozenset(), {"t::one": 2.0})
    assert known.of(at(1)) == ["t::one"]
    assert known.anew(at(1))


def test_who_noticed_much_for_little_is_asked_first() -> None:
    order = trial.Order(Selection({5: ("slow", "fast")}, frozenset(), {"slow": 1.0, "fast": 0.2}))
    assert order.of(at(5))[0] == ["fast", "slow"]
    order.noticed("slow")
    assert order.of(at(5))[0] == ["slow", "fast"]


@pytest.mark.parametrize(
    ("before", "after", "inside"),
    [
        ("count >= LIMIT", "count > LIMIT", ["enough"]),
        ("return 1", "return 2", ["unseen"]),
        ("LIMIT = 3", "LIMIT = 4", None),
        ("int | None", "int", None),
    ],
)
def test_a_change_is_put_into_functions_where_it_is_inside_of_them(
    before: str, after: str, inside: list[str] | None
) -> None:
    program = PROGRAM.replace("from __future__ import annotations", "")
    found = changed(program, program.replace(before, after), "one.py")
    assert (found and [one.co_name for one in found]) == inside


def test_a_module_is_held_by_the_tests_of_its_own_folder() -> None:
    assert "tests/infra/drift/test_repair.py" in selection.tests_of("infra/drift/check.py", ROOT)
    assert "tests/infra/policy/test_rules.py" in selection.tests_of(
        "infra/policy/rules/vault.py", ROOT
    )
    read = selection.tests_of("infra/configuration/reader.py", ROOT)
    assert "tests/infra/configuration/test_page.py" in read
    assert "tests/infra/test_settings.py" in read, "which state what is read"
    assert selection.tests_of("infra/naming.py", ROOT) == ("tests/infra/test_naming.py",)
    assert selection.tests_of("infra/place.py", ROOT) == ("tests/infra/test_program.py",)


def test_the_file_of_a_modules_own_name_judges_before_all_others() -> None:
    tests = ("tests/infra/a/test_two.py", "tests/infra/b/test_two.py")
    assert list(selection.rounds("infra/b/two.py", tests)) == [tests[1:], tests]
    assert list(selection.rounds("infra/b/other.py", tests)) == [tests]
    assert list(selection.rounds("infra/b/two.py", tests[1:])) == [tests[1:]]


def test_what_states_a_modules_behaviour_under_another_name_judges_first_too() -> None:
    tests = tuple(
        f"tests/infra/review/test_{each}.py" for each in ("a", "model", "recorded_reports")
    )
    assert next(selection.rounds("infra/review/manifests.py", tests)) == tests[1:2]
    assert next(selection.rounds("infra/review/rendering.py", tests)) == tests[2:]
    for module, names in selection._STATED.items():
        place = ROOT / "tests" / Path(module).parent
        assert (ROOT / module).exists()
        assert all((place / f"test_{name}.py").exists() for name in names)


def test_the_table_counts_what_hangs_as_noticed() -> None:
    assert table.score([table.Row("a.py", 12, Counter(killed=8, hung=1, survived=1))]) == 90.0


def test_a_reason_stands_beside_its_survivor_and_may_not_outlive_it(tmp_path: Path) -> None:
    file = tmp_path / "reasons.yaml"
    file.write_text(
        "- {module: a.py, where: f, reason: the same, changes: ['x  ->  y', 'x  ->  z']}\n"
    )
    reasons = table.reasons(file)
    one = trial.Tried(at(3), "survived")
    other = trial.Tried(mutant.Mutant("a.py", 4, 4, "f", "x", "z", ""), "killed")
    assert table.survivors([one, other], reasons) == "a.py:3: f: x  ->  y  # the same"
    assert table.stale([one, other], reasons, {"a.py"}) == ["a.py: f: x  ->  z"]
    assert table.stale([], reasons, {"b.py"}) == []
    unseen = trial.Tried(one.mutant, "unseen")
    assert "no test runs it" in table.survivors([unseen], {})


@pytest.mark.parametrize("folder", [command.KEPT, fuzzing.FOUND])
def test_what_a_tool_keeps_is_not_where_the_stand_in_keeps_its_own(folder: Path) -> None:
    """The stand-in starts in an empty folder or in its own."""
    assert not folder.is_relative_to(Home.from_environment({}).root)
    assert folder.is_relative_to(ROOT)
