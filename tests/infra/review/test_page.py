"""The page of a review: models as matrices, changes where they are, and what stops them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.review import manifests, page
from infra.review.report import Problem, Report
from infra.review.resource_change import Row
from tests.infra.review.test_command import RECORDED, review
from tests.infra.review.test_model import NEW, OLD, write

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
Build = Callable[..., Report]
Make = Callable[..., Any]


def plain(text: str) -> str:
    """A page's text without markup."""
    words = text[text.index("<header>") :].replace("<wbr>", "")
    return " ".join(re.sub(r"<[^>]*>", " ", words).split())


def matrices(text: str) -> dict[str, list[list[str]]]:
    """The numbers of each matrix by its caption up to the colon."""
    found = {}
    for table in re.findall(r'<table class="matrix">.*?</table>', text, re.DOTALL):
        (caption,) = re.findall(r"<caption>([^:]+)", table)
        rows = re.findall(r"<tr><th scope=\"row\">.*?</tr>", table, re.DOTALL)
        found[caption] = [re.findall(r"<td [^>]*>([^<]*)</td>", row) for row in rows]
    return found


def test_the_models_stand_as_two_matrices_and_their_difference(
    build: Build, group: Make, group_change: Make, tmp_path: Path
) -> None:
    write(tmp_path, "1", OLD, [[90, 5, 5], [0, 100, 0], [1, 2, 97]])
    write(tmp_path, "2", NEW, [[97, 2, 1], [0, 100, 0], [1, 9, 90]])
    event = group_change(group("d" * 64, OLD, "1"), group("e" * 64, NEW, "2"))
    text = page.html(build(event, found=manifests.find(tmp_path)))
    found = matrices(text)
    assert found["Before"] == [["90", "5", "5"], ["0", "100", "0"], ["1", "2", "97"]]
    assert found["After"] == [["97", "2", "1"], ["0", "100", "0"], ["1", "9", "90"]]
    minus = "\N{MINUS SIGN}"
    assert found["After less before"] == [
        ["+7", f"{minus}3", f"{minus}4"],
        ["0", "0", "0"],
        ["0", "+7", f"{minus}7"],
    ]
    assert '<td class="better" style="--s:100%">+7</td>' in text
    assert '<td class="worse" style="--s:100%">+7</td>' in text
    assert '<td class="worse" style="--s:100%">\N{MINUS SIGN}7</td>' in text
    assert "Cells that got worse: 2" in text


def test_models_on_other_data_are_not_compared(
    build: Build, group: Make, group_change: Make, tmp_path: Path
) -> None:
    write(tmp_path, "1", OLD, [[9, 1], [0, 9]])
    write(tmp_path, "2", NEW, [[9, 1], [0, 9]], data_md5={"other": "y"})
    event = group_change(group("d" * 64, OLD, "1"), group("e" * 64, NEW, "2"))
    text = page.html(build(event, found=manifests.find(tmp_path)))
    assert "cannot be compared: the models were measured on other test data" in text
    assert "better" not in text[text.index("<main>") :]


def test_every_property_that_changes_stands_at_its_resource(tmp_path: Path) -> None:
    file = tmp_path / "review.html"
    done = review("--stack", "dev", "--plan", RECORDED / "events.jsonl", "--html", file)
    assert (done.returncode, done.stderr) == (0, "")
    # The verdict alone, as with --markdown FILE.
    assert len(done.stdout.splitlines()) == 2
    text = plain(file.read_text(encoding="utf-8"))
    assert "1 replaced, 1 updated" in text
    assert "containers[0].resources.requests.cpu forces the replacement" in text
    assert "tags.team (none) blue" in text
    assert "The endpoint is interrupted" in text
    assert "Not decided:" in text
    assert "Nothing stops it." not in text


def test_nothing_to_change_says_so(build: Build) -> None:
    text = plain(page.html(build()))
    assert "Nothing changes" in text
    assert "Nothing stops it. No mandatory policy is violated." in text


def heading(made: Report) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page.html(made), re.DOTALL)
    assert found
    return " ".join(found[1].split())


OUTPUT = Row("fqdn", "", "a", "b")


def test_the_heading_says_what_happens(build: Build, step: Make) -> None:
    old, new = {"accessTier": "Hot"}, {"accessTier": "Cool"}
    assert heading(Report("dev", offline=True, failed=True)) == "The program against the policies"
    assert heading(Report("dev", failed=True, outputs=(OUTPUT,))) == "The preview failed"
    assert heading(Report("dev", outputs=(OUTPUT,), causes=("x",))) == "Only stack outputs change"
    assert heading(Report("dev", causes=("protection is removed",))) == "Nothing changes in Azure"
    assert heading(Report("dev")) == "Nothing changes"
    made = build(
        step("create", "a", new=new),
        step("create", "b", new=new),
        step("update", "c", old=old, new=new),
        step("replace", "d", old=old, new=new, keys=["accessTier"]),
        step("delete", "e", old=old),
        step("same", "f", old=old, new=old),
    )
    assert heading(made) == "1 deleted, 1 replaced, 1 updated, 2 created"


def test_a_rule_that_several_resources_break_stands_once(build: Build, step: Make) -> None:
    kind = "azure-native:containerregistry:Registry"
    for name, admin in (("Not decided:", UNKNOWN), ("admin", True)):
        events = [
            step("create", each, kind, new={"adminUserEnabled": admin}) for each in ("a", "b")
        ]
        text = page.html(build(*events))
        assert name in text
        assert text.count(">no-admin-account<") == 1


def test_ten_cells_are_listed_and_all_are_counted(
    build: Build, group: Make, group_change: Make, tmp_path: Path
) -> None:
    write(
        tmp_path, "1", OLD, [[9 if row == column else 0 for column in range(4)] for row in range(4)]
    )
    write(
        tmp_path, "2", NEW, [[6 if row == column else 1 for column in range(4)] for row in range(4)]
    )
    event = group_change(group("d" * 64, OLD, "1"), group("e" * 64, NEW, "2"))
    text = page.html(build(event, found=manifests.find(tmp_path)))
    assert "Cells that got worse: 16; the 10 worst" in text
    listed = text[text.index("Cells that got worse") :].partition("</table>")[0]
    assert listed.count("<tr>") == 1 + 10


def test_what_stops_the_change_is_the_verdict() -> None:
    broken = Report("dev", failed=True, problems=(Problem("error", "vault", "<img src=x>"),))
    text = page.html(broken)
    assert "Must not be made:" in text
    assert "&lt;img src=x&gt;" in text
    assert "<img" not in text


def test_what_moved_since_the_review_is_listed(build: Build) -> None:
    assert "Not as it was reviewed" in page.html(build(), ["`tags.team` is **new**"])
    text = page.html(build(), ["`a<b` is **new**"])
    assert "<code>a&lt;b</code> is <strong>new</strong>" in text
