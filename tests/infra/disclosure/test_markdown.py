"""Whatever a plan's text holds, it stays inside of the piece of Markdown that shows it."""

from __future__ import annotations

import pytest

from infra.disclosure import markdown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "`plain text`"),
        ("a|b|c", r"`a\u007cb\u007cc`"),
        ("a`b", r"`a\u0060b`"),
        ("a\nb\t\x1b", r"`a\nb\t\u001b`"),
        ('say "hi" \\ Größe', '`say "hi" \\ Größe`'),
        ("", '`""`'),
        ("  ", '`""`'),
    ],
)
def test_a_code_span_is_one_line_without_bars_and_backticks(text: str, shown: str) -> None:
    assert markdown.code(text) == shown


@pytest.mark.parametrize(
    ("text", "marks", "shown"),
    [
        ("", 3, ""),
        ("a\nb", 3, "a\nb"),
        ("a\tb\x1b", 3, "a b "),
        ("`` two", 3, "`` two"),
        ("``` three", 4, "``` three"),
        ("` ````` ```", 6, "` ````` ```"),
    ],
)
def test_a_block_has_more_backticks_than_any_run_in_it(text: str, marks: int, shown: str) -> None:
    assert markdown.fence(text) == f"{'`' * marks}text\n{shown}\n{'`' * marks}"


def test_a_table_has_a_header_a_rule_and_its_rows() -> None:
    assert markdown.table(["a", "b"], [["1", "2"], ["3", "4"]]) == (
        "| a | b |\n| --- | --- |\n| 1 | 2 |\n| 3 | 4 |"
    )


def test_a_folded_part_is_apart_from_its_body() -> None:
    assert markdown.details("3 more", "- x") == (
        "<details><summary>3 more</summary>\n\n- x\n\n</details>"
    )


def test_the_room_of_a_text_is_its_bytes() -> None:
    assert markdown.size("Größe") == 7
