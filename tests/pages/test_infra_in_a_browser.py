"""The pages of a review and of a drift check: they fit, can be read by everybody, load nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support import sample_pages
from tests.support.browser import WIDTHS, faults


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    made = (sample_pages.review(folder), sample_pages.drift(folder), sample_pages.broken(folder))
    return {page.stem: page for page in made}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["review", "drift", "broken"])
def test_the_page_fits_is_accessible_and_loads_nothing(
    browser: Browser, pages: dict[str, Path], name: str, width: int, dark: bool
) -> None:
    assert faults(browser, pages[name].as_uri(), width=width, dark=dark) == []
