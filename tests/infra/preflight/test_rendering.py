"""What people and machines are shown of the answers."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from infra.preflight import rendering
from infra.preflight.line import Answer, Line, Status, good, not_asked, refused

GOOD = Line("image", good("svc is there"))
LONG = "pulumi config set prefix mnist2 --stack dev && " + "echo " + "x" * 80
REFUSED = Line("registry name", refused("it is taken", f"{LONG}\n# or not"))
OPEN = Line("quota", Answer(Status.UNANSWERED, "HTTP 500"))
SKIPPED = Line("model gate", not_asked("no image is configured"))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([GOOD, SKIPPED], "Nothing refuses the next update of dev."),
        ([GOOD, OPEN], "Nothing refuses the next update of dev; 1 not answered."),
        ([GOOD, REFUSED, REFUSED], "dev is not ready: 2 of 3 refuse."),
        ([REFUSED, OPEN, OPEN], "dev is not ready: 1 of 3 refuse; 2 not answered."),
        ([], "Nothing refuses the next update of dev."),
    ],
)
def test_the_headline_says_whether_something_refuses_and_what_is_open(
    lines: list[Line], said: str
) -> None:
    assert rendering.headline("dev", lines) == said


def test_machines_are_told_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    text = rendering.document("dev", [GOOD, REFUSED, OPEN])
    assert json.loads(text) == {
        "stack": "dev",
        "headline": "dev is not ready: 1 of 3 refuse; 1 not answered.",
        "checks": [
            {"check": "image", "status": "good", "said": "svc is there", "remedy": []},
            {
                "check": "registry name",
                "status": "refused",
                "said": "it is taken",
                "remedy": [LONG, "# or not"],
            },
            {"check": "quota", "status": "unanswered", "said": "HTTP 500", "remedy": []},
        ],
    }
    assert text.startswith('{\n  "stack": "dev"')


def shown(*lines: Line, colours: bool = False) -> str:
    stream = io.StringIO()
    system = "standard" if colours else None
    console = Console(file=stream, width=60, color_system=system, force_terminal=colours)
    rendering.show(console, "dev", lines)
    return stream.getvalue()


def test_people_see_a_table_and_below_it_what_to_type_on_one_line() -> None:
    table, remedies, last = shown(GOOD, REFUSED, OPEN, SKIPPED).split("\n\n")
    rows = [" ".join(line.split()) for line in table.splitlines()]
    assert rows == [
        "check status what Azure says",
        "image good svc is there",
        "registry name refused it is taken",
        "quota unanswered HTTP 500",
        "model gate not asked no image is configured",
    ]
    assert remedies == f"# registry name\n{LONG}\n# or not"
    assert last == "dev is not ready: 1 of 4 refuse; 1 not answered.\n"


def test_a_long_sentence_is_wrapped_within_the_width_and_markup_means_itself() -> None:
    table, _ = shown(Line("image", good("[bold]" + "x" * 200))).split("\n\n")
    lines = table.splitlines()
    assert max(map(len, lines)) <= 60
    assert "".join(table.split()).count("x") == 200
    assert "[bold]" in table


def test_what_refuses_is_red_and_what_is_good_is_green() -> None:
    text = shown(GOOD, REFUSED, OPEN, SKIPPED, colours=True)
    for colour, word in (
        ("\x1b[32m", "good"),
        ("\x1b[1;31m", "refused"),
        ("\x1b[33m", "unanswered"),
        ("\x1b[2m", "not asked"),
    ):
        assert f"{colour}{word}" in text
