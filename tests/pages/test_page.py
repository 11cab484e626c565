"""How a value is shown in a page."""

from __future__ import annotations

import pytest

from pages import page


def test_a_path_may_be_broken_between_its_names() -> None:
    shown = page.path("containers[0].resources.cpu")
    assert shown == "containers<wbr>[0].<wbr>resources.<wbr>cpu"


def test_a_path_is_escaped_and_hides_nothing() -> None:
    assert page.path("tags.<b>") == "tags.<wbr>&lt;b&gt;"
    assert page.path("a\u202eb") == "a\\u202eb"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("**Gone: `a` with b.** **1 x**: `y`.",
         "<strong>Gone: <code>a</code> with b.</strong> <strong>1 x</strong>: <code>y</code>."),
        ("`**a**` **b", "<code>**a**</code> **b"),
        ("**a `**` b**", "<strong>a <code>**</code> b</strong>"),
        ("<i>**`<u>`**", "&lt;i&gt;<strong><code>&lt;u&gt;</code></strong>"),
    ],
)  # fmt: skip
def test_bold_may_hold_code_and_code_holds_nothing_else(text: str, shown: str) -> None:
    assert page.inline(text) == shown


def test_code_in_a_line_may_be_broken_as_a_path() -> None:
    shown = page.inline("**is** `tags.<b>`")
    assert shown == "<strong>is</strong> <code>tags.<wbr>&lt;b&gt;</code>"
