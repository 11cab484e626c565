"""The comment: short enough, always the same, and nothing in it can break out or ping anybody."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from infra.disclosure import markdown
from infra.disclosure.mask import Mask
from infra.policy.limits import Limits
from infra.preview import events as preview_events
from infra.review import manifests, report, sections
from infra.review.judgement import Finding
from infra.review.machine_formats import document
from infra.review.model import ModelChange, Side
from infra.review.rendering import LIMIT
from infra.review.rendering import markdown as render
from infra.review.report import Report

Build = Callable[..., Report]
Make = Callable[..., Any]
PARSER = MarkdownIt("commonmark").enable("table")
NASTY = [
    "@octocat",
    "a | b",
    "`@octocat`",
    "``` @octocat",
    "\\| x",
    "<img src=x onerror=alert(1)>",
    "</details>",
    "<!-- -->",
    "[a](http://evil.example)",
    "![a](http://evil.example/pixel.png)",
    "#1 GH-2 org/repo#3",
    "a\nb\r\n\n# c",
    "\u202egnp.exe",
    "-->",
    "&lt;b&gt;",
    "http://evil.example",
]


def tokens(text: str) -> list[Any]:
    found: list[Any] = []
    for token in PARSER.parse(text):
        found += [token, *(token.children or [])]
    return found


def many(step: Make, op: str, count: int, name: str = "store") -> list[Any]:
    return [_one(step, op, f"{name}-{op}-{index:04}", index) for index in range(count)]


def _one(step: Make, op: str, name: str, number: int) -> Any:
    """No two are changed alike, but for their tier."""
    tags = [f"t{index}" for index in range(12)]
    old = {"accessTier": "Hot", "tags": dict.fromkeys(tags, f"x {number} {'x' * 36}")}
    new = {"accessTier": "Cool", "tags": dict.fromkeys(tags, f"y {number} {'y' * 36}")}
    states = {
        "create": {"new": new},
        "delete": {"old": old},
        "update": {"old": old, "new": new},
        "replace": {"old": old, "new": new, "keys": ["accessTier"]},
    }
    return step(op, name, **states[op])


@pytest.mark.parametrize("op", ["update", "create", "replace", "delete"])
@pytest.mark.parametrize("count", [1, 30, 500])
def test_the_report_fits_into_a_comment_and_keeps_what_is_destroyed(
    build: Build, step: Make, op: str, count: int
) -> None:
    made = build(*many(step, op, count))
    shown = render(made)
    assert len(shown) <= len(shown.encode()) <= LIMIT
    assert shown.splitlines()[3].startswith(str(count))
    if op in {"replace", "delete"}:
        assert all(f"`{one.name}`" in shown for one in made.changes)
    elif count == 500:
        tables = sum(f"**{op}** `{one.name}`" in shown for one in made.changes)
        assert tables > 10
        left = f"the properties of {500 - tables} resources ({500 - tables} {op})"
        assert left in shown


def test_destructive_changes_survive_among_five_hundred_others(build: Build, step: Make) -> None:
    made = build(*many(step, "update", 500), *many(step, "replace", 5), *many(step, "delete", 5))
    shown = render(made)
    assert len(shown.encode()) <= LIMIT
    gone = [one for one in made.changes if one.destructive]
    assert len(gone) == 10
    assert all(f"`{one.name}`" in shown for one in gone)
    assert "forced by `accessTier` `Hot` -> `Cool`" in shown


@pytest.mark.parametrize("count", [1200, 2000])
def test_even_absurd_plans_fit_and_are_counted(build: Build, step: Make, count: int) -> None:
    shown = render(build(*many(step, "delete", count, name="n" * 150)))
    assert len(shown.encode()) <= LIMIT
    assert f"\n{count} deleted." in shown
    assert f"**delete** {count} `storage:StorageAccount`" in shown


def test_wide_characters_are_counted_by_their_bytes(build: Build, step: Make) -> None:
    old, new = {"tags": {"a": "é" * 190}}, {"tags": {"a": "漢" * 190}}
    events = [step("update", f"s{index}", old=old, new=new) for index in range(500)]
    assert len(render(build(*events)).encode()) <= LIMIT


def test_the_same_change_in_another_order_gives_the_same_bytes(
    step: Make, outputs: Make, text: Make
) -> None:
    events = [*many(step, "update", 5), *many(step, "delete", 3), outputs({}, {"fqdn": "a"})]
    one, other = (
        report.build(
            "dev", preview_events.read(text(*order)), manifests.Manifests({}), Limits(), Mask()
        )
        for order in (events, events[::-1])
    )
    assert render(one) == render(other)
    assert document(one) == document(other)


@pytest.mark.parametrize("nasty", NASTY)
def test_nothing_in_a_plan_can_break_out_or_ping(
    build: Build, step: Make, outputs: Make, nasty: str
) -> None:
    made = build(
        step(
            "update",
            f"name {nasty}",
            old={"tags": {"k": nasty, nasty: "x"}, "location": nasty},
            new={"tags": {"k": f"{nasty}!", nasty: "y"}, "location": f"{nasty} 2"},
        ),
        step("delete", nasty, f"azure-native:{nasty}:T", old={}),
        step("same", f"same {nasty}", old={}, new={}),
        outputs({}, {nasty: nasty, "workspace": nasty}),
        {"diagnosticEvent": {"severity": "warning", "message": nasty, "urn": f"urn::{nasty}"}},
    )
    parsed = tokens(render(made))
    for token in parsed:
        if token.type not in {"code_inline", "fence", "inline"}:
            assert "octocat" not in token.content
            assert "evil" not in token.content
        assert token.type not in {"image", "link_open", "html_inline"}, token
        if token.type == "html_block":
            assert token.content.strip() in {
                "</details>",
                "<details><summary>1 unchanged</summary>",
            }
    tables = [token for token in parsed if token.type == "table_open"]
    assert len(tables) == 2
    cells = sum(token.type == "td_open" for token in parsed)
    lines = sum(token.type == "tr_open" for token in parsed) - len(tables)
    assert cells == 3 * lines


@given(st.text())
def test_any_text_is_one_code_span_on_one_line(text: str) -> None:
    row = markdown.table(["a", "b"], [[markdown.code(text), "x"]])
    found = tokens(row)
    spans = [token for token in found if token.type == "code_inline"]
    assert len(spans) == 1
    assert sum(token.type == "td_open" for token in found) == 2


@given(st.text())
def test_any_text_stays_in_its_block(text: str) -> None:
    found = PARSER.parse(markdown.fence(text) + "\n\nafter")
    assert [token.type for token in found[:2]] == ["fence", "paragraph_open"]


def test_the_json_report_leaves_nothing_out(build: Build, step: Make) -> None:
    content = json.loads(document(build(*many(step, "update", 500))))
    assert len(content["changes"]) == 500
    assert content["counts"] == {"update": 500}
    assert content["endpoint"] == "untouched"
    assert len(content["changes"][0]["rows"]) == 13


def test_a_failed_preview_says_so_and_shows_its_errors_first(build: Build, step: Make) -> None:
    error = {"diagnosticEvent": {"severity": "error", "message": "no such region", "urn": ""}}
    shown = render(build(*many(step, "update", 3), error, result="failed"))
    assert "The preview failed" in shown.splitlines()[2]
    assert shown.index("no such region") < shown.index("### Properties")


def test_unchanged_resources_are_folded_away(build: Build, step: Make) -> None:
    shown = render(
        build(*(step("same", f"s{index}", "a:b:C", old={}, new={}) for index in range(9)))
    )
    assert "<details><summary>9 unchanged</summary>" in shown
    assert "\n\nNothing changes.\n" in shown


@pytest.mark.parametrize(("length", "shown"), [(48, "n" * 48), (49, f"{'n' * 45}...")])
def test_a_long_name_is_cut_where_only_names_fit(
    build: Build, step: Make, length: int, shown: str
) -> None:
    events = [step("delete", "n" * length, old={}), *many(step, "delete", 30)]
    made = build(*events)
    *_, names, _ = sections.destructive(made)
    assert f"`{shown}`" in names


def test_from_two_resources_on_an_equal_change_is_told_once(build: Build, step: Make) -> None:
    old, new = {"accessTier": "Hot"}, {"accessTier": "Cool"}
    for count in (1, 2):
        made = build(*(step("update", f"s{number}", old=old, new=new) for number in range(count)))
        shown = render(made)
        assert ("### The same on several resources" in shown) is (count == 2)
        assert ("### Properties" in shown) is (count == 1)
        assert shown.count("| `accessTier` |") == 1


@pytest.mark.parametrize(
    ("count", "more"), [(5, ""), (6, "\n  - 1 more resource"), (7, "\n  - 2 more resources")]
)
def test_a_rule_that_many_break_differently_is_told_by_some(count: int, more: str) -> None:
    found = tuple(
        Finding("r", "Why.", True, f"s{number}", f"it is {number}") for number in range(count)
    )
    _, middle, *_ = sections.policies(Report("dev", findings=found))
    told = "".join(f"\n  - `s{number}`: `it is {number}`" for number in range(5))
    assert middle == f"### Policies\n\n- **mandatory** `r`: Why.{told}{more}"


def test_a_model_whose_accuracy_is_not_known_gains_none(build: Build) -> None:
    known = manifests.Manifest("m", "1", "a", None, 10, {}, ("a",), ((1,),), "")
    other = replace(known, sha256="b", accuracy=0.5)
    sides = [Side(("i",), one.sha256, "1", one, "", "aci") for one in (known, other)]
    for old, new in (sides, sides[::-1]):
        one = ModelChange("svc", old, new, (), "")
        whole, _ = sections.models(Report("dev", models=(one,)))
        assert "No cell of the confusion matrix got worse." in whole
        assert "Accuracy" not in whole


def test_what_moved_takes_no_more_than_a_fifth(build: Build, step: Make) -> None:
    shown = render(build(*many(step, "delete", 300)), moved=["x" * 1000] * 45)
    assert len(shown.encode()) <= LIMIT
    head, rest = shown.split("### Deleted or replaced")
    assert head.count("x" * 1000) == 10
    assert "- and 35 more" in head
    assert all(f"store-delete-{number:04}" in rest for number in range(300))


def test_tables_of_what_exists_come_before_those_of_what_is_new(build: Build, step: Make) -> None:
    shown = render(build(*many(step, "create", 1, "a"), *many(step, "update", 1, "z")))
    properties = shown.split("### Properties")[1]
    assert properties.index("z-update") < properties.index("a-create")
