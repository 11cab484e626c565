"""How a value is shown in a page."""

from __future__ import annotations

from pages import page


def test_a_path_may_be_broken_between_its_names() -> None:
    shown = page.path("containers[0].resources.cpu")
    assert shown == "containers<wbr>[0].<wbr>resources.<wbr>cpu"


def test_a_path_is_escaped_and_hides_nothing() -> None:
    assert page.path("tags.<b>") == "tags.<wbr>&lt;b&gt;"
    assert page.path("a\u202eb") == "a\\u202eb"
