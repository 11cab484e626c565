"""Markdown as GitHub shows it: GitHub's own parser reads every report of the tests."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from html.parser import HTMLParser
from typing import Any, ParamSpec

import cmarkgfm
from cmarkgfm.cmark import Options

P = ParamSpec("P")
_FENCED = re.compile(r"^(`{3,})text\n.*?\n\1$", re.MULTILINE | re.DOTALL)
_ALONE = re.compile(r"Not decided|Not readable|[Aa]nd \d+ more [a-z]|Values appear|The run")
"""How sentences begin that stand alone, and would be taken for a part of a list above them."""
_EMPTY = frozenset({"br", "hr", "img"})


class Tree(HTMLParser):
    """Every piece of text with the elements around it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.around: list[str] = []
        self.pieces: list[tuple[tuple[str, ...], str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in _EMPTY:
            self.around.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        assert tag in _EMPTY

    def handle_endtag(self, tag: str) -> None:
        assert self.around.pop() == tag, f"{tag} ends where another element is open"

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.pieces.append((tuple(self.around), data.strip()))


def html(text: str) -> str:
    """The HTML of a report."""
    return cmarkgfm.github_flavored_markdown_to_html(text, Options.CMARK_OPT_UNSAFE)


def read(text: str) -> Tree:
    """The elements of a report, each closed where it should be."""
    tree = Tree(html(text))
    assert tree.around == [], f"not closed: {tree.around}"
    return tree


def headings(tree: Tree) -> list[str]:
    """The texts of headings, without the code in them."""
    return [text for around, text in tree.pieces if around[-1] in {"h2", "h3"}]


def holds(text: str) -> None:
    """What looks like a heading, a table, or a sentence of its own is one.

    Raises:
        AssertionError: It is not; the message says what.
    """
    tree = read(text)
    source = _FENCED.sub("", text)
    shown = " ".join(headings(tree))
    for line in re.findall(r"^#{2,3} (.*)$", source, re.MULTILINE):
        start = line.partition("`")[0].strip()
        assert start in shown, f"no heading: {line}"
    for around, piece in tree.pieces:
        if "li" in around and "code" not in around:
            assert not {"h2", "h3", "table", "details"} & set(around), f"in a bullet: {piece}"
            for line in piece.splitlines():
                assert not _ALONE.match(line), f"in a bullet: {line}"
    tables = re.findall(r"<table>(.*?)</table>", html(text), re.DOTALL)
    wanted = len(re.findall(r"^\| --- \|", source, re.MULTILINE))
    assert len(tables) == wanted, f"{len(tables)} tables of {wanted}"
    for table in tables:
        width = table.count("<th>")
        # The parser fills short rows up with empty cells, and drops what is too much.
        assert all(row.count("<td>") == width for row in table.split("<tr>")[2:])
    for row in re.findall(r"^\| .* \|$", source, re.MULTILINE):
        head = row.count(" | ")
        assert head >= 1, f"a row of one cell: {row}"


def read_every(render: Callable[P, str]) -> Callable[P, str]:
    """The function that makes a report, which fails where GitHub would show it otherwise."""

    @wraps(render)
    def checked(*args: P.args, **more: P.kwargs) -> str:
        text = render(*args, **more)
        holds(text)
        return text

    return checked
