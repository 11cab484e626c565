"""A headless Chromium that is on this machine already, and what every page has to stand in it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WIDTHS = (360, 1440)
MISSING = "no Chromium here; apt-get install chromium"


def program() -> str | None:
    """The browser's program; CHROMIUM may name another one."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser for some tests; they are skipped where there is none."""
    found = program()
    if not found:
        pytest.skip(MISSING)
    with sync_playwright() as playwright:
        # Root cannot have Chromium's sandbox; the pages are our own.
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


def faults(browser: Browser, address: str, *, width: int, dark: bool = False) -> list[str]:
    """What is wrong with a page at one width: overflow, other requests, script errors, axe.

    Args:
        browser: Shows it.
        address: The page's own, `file:` or `http:`; data in the page itself is no request.
        width: Of the window, in CSS pixels.
        dark: Whether the person asks for dark colours.
    """
    with opened(browser, address, width=width, dark=dark) as (page, found):
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            found.append(f"{wide} px wide in a window of {width} px")
        found += violations(page)
        return found


@contextmanager
def opened(
    browser: Browser, address: str, *, width: int, dark: bool = False
) -> Iterator[tuple[Page, list[str]]]:
    """A page in a window of its own, and a list that gathers requests elsewhere and errors."""
    found: list[str] = []
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
    )
    try:
        page = context.new_page()
        own = address.split("#")[0]
        page.on(
            "request",
            lambda one: (
                None
                if one.url.startswith((own, "data:", "blob:"))
                else found.append(f"asked for {one.url[:200]}")
            ),
        )
        page.on("pageerror", lambda error: found.append(f"script: {error}"))
        page.on(
            "console",
            lambda said: found.append(f"console: {said.text}") if said.type == "error" else None,
        )
        page.goto(address, wait_until="load")
        yield page, found
    finally:
        context.close()


def violations(page: Page) -> list[str]:
    """What axe finds, a line each."""
    result = Axe().run(page, options={"resultTypes": ["violations"]})
    return [
        f"{each['id']}: {each['help']}: {json.dumps(each['nodes'][0]['target'])}"
        f" {each['nodes'][0].get('failureSummary', '')}"
        for each in result.response["violations"]
    ]


def screenshot(browser: Browser, address: str, file: Path, *, width: int, dark: bool) -> None:
    """The whole page as a PNG."""
    with opened(browser, address, width=width, dark=dark) as (page, _):
        page.screenshot(path=file, full_page=True)
