"""Counts as colours: the number stays, the strength follows it."""

from __future__ import annotations

from pages import heat


def test_the_diagonal_is_right_by_its_share_of_the_row():
    cells = heat.cells([[3, 1], [0, 5]])
    assert [(row[i].kind, row[i].strength) for i, row in enumerate(cells)] == [
        ("right", 75),
        ("right", 100),
    ]


def test_the_most_common_mistake_is_the_strongest_and_none_is_colourless():
    cells = heat.cells([[90, 9, 1], [0, 100, 0], [4, 0, 96]])
    assert (cells[0][1].kind, cells[0][1].strength, cells[0][1].text) == ("wrong", 100, "9")
    assert cells[0][2].strength == 33
    assert cells[2][0].strength == 67
    assert cells[1][0].strength == 0


def test_an_empty_row_and_a_perfect_model_have_no_colour_beside_the_diagonal():
    cells = heat.cells([[0, 0], [0, 7]])
    assert [cell.strength for row in cells for cell in row] == [0, 0, 0, 100]


def test_more_is_better_on_the_diagonal_and_worse_beside_it():
    cells = heat.changes([[5, 4], [3, 2]], [[6, 3], [7, 2]])
    assert [(cell.text, cell.kind) for row in cells for cell in row] == [
        ("+1", "better"),
        ("\N{MINUS SIGN}1", "better"),
        ("+4", "worse"),
        ("0", "same"),
    ]
    assert cells[1][0].strength == 100
    assert cells[0][0].strength == 50
