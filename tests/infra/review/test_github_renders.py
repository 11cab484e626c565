"""The Markdown as GitHub's own parser reads it: what looks like a heading is one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra.review.rendering import markdown
from infra.review.report import Report
from tests.support.github_markdown import headings, holds, html, read

Build = Callable[..., Report]
Make = Callable[..., Any]
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
REGISTRY = "azure-native:containerregistry:Registry"
VAULT = "azure-native:keyvault:Vault"


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


def test_every_section_is_shown_as_what_it_looks_like(reports: Iterator[Report]) -> None:
    """As every report is that any test makes."""
    for made in reports:
        holds(markdown(made))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("- a\nNot decided before the update: 1", "in a bullet: Not decided"),
        ("- a\n\n  ### b", "in a bullet: b"),
        ("<details>\n### a\n</details>", "no heading: a"),
        ("<details><summary>a</summary>", "not closed"),
        ("| a | b |\n| --- |\n| c | d |", "0 tables of 1"),
    ],
)
def test_what_github_would_show_otherwise_is_found(text: str, what: str) -> None:
    with pytest.raises(AssertionError, match=re.escape(what)):
        holds(text)


def test_the_two_lines_of_the_verdict_are_two_lines_of_one_paragraph(
    build: Build, group: Make, group_change: Make
) -> None:
    shown = html(markdown(build(group_change(group(), group(cpu=2)))))
    paragraph = re.search(r"<p>(.*?)</p>", shown, re.DOTALL)
    assert paragraph
    first, second = paragraph[1].split("<br />")
    assert "requests.cpu" in first
    assert "The endpoint is interrupted" in second


def test_what_moved_and_what_cannot_finish_come_before_all_else(build: Build, step: Make) -> None:
    old = {"location": "westeurope", "vaultName": "kv1"}
    event = step("replace", "v", VAULT, old=old, new={**old, "location": "x"}, keys=["location"])
    lines = ["`a`: **update** was reviewed, now **replace**"]
    tree = read(markdown(build(event), moved=lines))
    assert headings(tree)[:4] == [
        "Infrastructure preview of",
        "Not as it was reviewed",
        "This update cannot finish",
        "Deleted or replaced",
    ]


def test_the_run_and_the_versions_of_a_model_are_links(
    build: Build, group: Make, group_change: Make
) -> None:
    url = "https://github.com/o/r/actions/runs/42"
    shown = html(markdown(build(group_change(group(), group(cpu=2)), run_url=url)))
    assert f'<a href="{url}">The run that made this review</a>' in shown
