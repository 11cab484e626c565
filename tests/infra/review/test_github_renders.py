"""The Markdown as GitHub's own parser reads it: what looks like a heading is one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options

from infra.review.rendering import markdown
from infra.review.report import Report

Build = Callable[..., Report]
Make = Callable[..., Any]
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
REGISTRY = "azure-native:containerregistry:Registry"
VAULT = "azure-native:keyvault:Vault"


class Tree(HTMLParser):
    """(the elements around it, text) of every piece of text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.around: list[str] = []
        self.pieces: list[tuple[tuple[str, ...], str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.around.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.around.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.pieces.append((tuple(self.around), data.strip()))


def rendered(made: Report, **more: Any) -> Tree:
    html = cmarkgfm.github_flavored_markdown_to_html(
        markdown(made, **more), Options.CMARK_OPT_UNSAFE
    )
    tree = Tree(html)
    assert tree.around == [], "an element is not closed"
    return tree


def headings(tree: Tree) -> list[str]:
    return [text for around, text in tree.pieces if around[-1] in {"h2", "h3"}]


@pytest.fixture
def reports(
    build: Build, step: Make, group: Make, group_change: Make, outputs: Make
) -> Iterator[Report]:
    """Every section in one report, and each kind alone."""
    old = {"location": "westeurope", "vaultName": "kv1", "accessTier": "Hot"}
    new = {**old, "location": "northeurope"}
    image = group()
    image["containers"][0]["image"] = UNKNOWN
    events = {
        "group": group_change(group(), group("e" * 64, "c" * 64, "2", 2)),
        "unsettled": group_change(group(), image),
        "vault": step("replace", "vault", VAULT, old=old, new=new, keys=["location"]),
        "one": step("update", "one", old=old, new={**old, "accessTier": "Cool"}),
        "two": step("update", "two", old=old, new={**old, "accessTier": "Cool"}),
        "gone": step("delete", "gone", REGISTRY, old=old),
        "admin": step("create", "admin", REGISTRY, new={"adminUserEnabled": True}),
        "open": step("create", "open", REGISTRY, new={"adminUserEnabled": UNKNOWN}),
        "same": step("same", "same", old=old, new=old),
        "outputs": outputs({"fqdn": "a.b"}, {"fqdn": "c.d"}),
        "warning": {"diagnosticEvent": {"severity": "warning", "message": "mind\n\n- the gap"}},
    }
    return iter([build(*events.values()), *(build(one) for one in events.values()), build()])


def test_every_line_that_begins_like_a_heading_is_one_and_nothing_else_is(
    reports: Iterator[Report],
) -> None:
    for made in reports:
        lines = re.findall(r"^#{2,3} (.*)$", markdown(made), re.MULTILINE)
        tree = rendered(made)
        shown = [" ".join(text.split()) for text in headings(tree)]
        assert len(shown) >= len(lines)
        for line in lines:
            assert line.partition("`")[0].strip() in shown


def test_no_heading_or_paragraph_is_inside_of_a_bullet(reports: Iterator[Report]) -> None:
    """A line below a list without a blank one between belongs to its last item."""
    for made in reports:
        for around, text in rendered(made).pieces:
            if "li" in around:
                assert not {"h2", "h3", "table", "details"} & set(around), text
                assert not re.match(r"Not decided|And \d+ more|Values appear|The run", text), text


def test_the_two_lines_of_the_verdict_are_two_lines_of_one_paragraph(
    build: Build, group: Make, group_change: Make
) -> None:
    html = cmarkgfm.github_flavored_markdown_to_html(
        markdown(build(group_change(group(), group(cpu=2))))
    )
    paragraph = re.search(r"<p>(.*?)</p>", html, re.DOTALL)
    assert paragraph
    first, second = paragraph[1].split("<br />")
    assert "requests.cpu" in first
    assert "The endpoint is interrupted" in second


def test_every_table_has_as_many_cells_in_a_row_as_in_its_head(reports: Iterator[Report]) -> None:
    for made in reports:
        html = cmarkgfm.github_flavored_markdown_to_html(markdown(made), Options.CMARK_OPT_UNSAFE)
        tables = re.findall(r"<table>(.*?)</table>", html, re.DOTALL)
        assert len(tables) == markdown(made).count("| --- |") or tables
        for table in tables:
            width = table.count("<th>")
            assert all(row.count("<td>") == width for row in table.split("<tr>")[2:])


def test_what_moved_and_what_cannot_finish_come_before_all_else(build: Build, step: Make) -> None:
    old = {"location": "westeurope", "vaultName": "kv1"}
    event = step("replace", "v", VAULT, old=old, new={**old, "location": "x"}, keys=["location"])
    tree = rendered(build(event), moved=["`a`: **update** was reviewed, now **replace**"])
    assert [one for one in headings(tree) if one[0].isupper()][:4] == [
        "Infrastructure preview of",
        "Not as it was reviewed",
        "This update cannot finish",
        "Deleted or replaced",
    ]


def test_the_run_and_the_versions_of_a_model_are_links(
    build: Build, group: Make, group_change: Make
) -> None:
    url = "https://github.com/o/r/actions/runs/42"
    html = cmarkgfm.github_flavored_markdown_to_html(
        markdown(build(group_change(group(), group(cpu=2)), run_url=url))
    )
    assert f'<a href="{url}">The run that made this review</a>' in html
