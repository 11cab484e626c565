"""A person draws a digit on the page of the local stack, and the real scoring service answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from journey.look import dashboard, process
from tests.journey.test_look import GROUP, HUB, VAULT
from tests.support.browser import WIDTHS, faults, opened

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "model_eval" / "models" / "sklearn_mnist" / "1"
SAMPLE = json.loads((ROOT / "infra" / "drift" / "sample.json").read_text(encoding="utf-8"))
KEY = "the-key-of-this-test"
SEVEN = ((70, 70), (205, 70), (120, 230))
ONE = ((140, 50), (140, 230))


@dataclass
class Look:
    """The page of a stack whose endpoint is a real scoring service."""

    origin: str
    file: Path
    service: subprocess.Popen[bytes]


@contextmanager
def looking(state: Path) -> Iterator[Look]:
    with subprocess.Popen(
        [sys.executable, "-m", "scoring", "serve", "--model", MODEL, "--port", "0"],
        cwd=ROOT,
        env={
            **os.environ,
            "SCORING_KEY": KEY,
            "SCORING_WORKERS": "1",
            "SCORING_LOG_REQUESTS": "false",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as service:
        try:
            assert service.stdout
            uri = f"http://127.0.0.1:{json.loads(service.stdout.readline())['port']}/score"
            out = state / "out"
            out.mkdir()
            (state / "server.json").touch()
            origin = process.start(state, out, ROOT, uri, KEY)
            file = out / dashboard.FILE
            outputs = {"scoring_uri": uri, "model_sha256": "ab" * 32, "container_group": "svc"}
            digits = dashboard.Digits(SAMPLE["rows"], SAMPLE["answers"])
            made = dashboard.render(out, [GROUP, VAULT, HUB], outputs, "Running", origin, digits)
            file.write_text(made, encoding="utf-8")
            yield Look(origin, file, service)
        finally:
            process.stop(state)
            service.terminate()


@pytest.fixture(scope="module")
def look(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Look]:
    with looking(tmp_path_factory.mktemp("state")) as begun:
        yield begun


def draw(page: Page, points: tuple[tuple[int, int], ...]) -> None:
    """One stroke of the mouse, in the pad's pixels."""
    canvas = page.locator("#canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box
    scale = box["width"] / 280
    (x, y), *rest = points
    page.mouse.move(box["x"] + x * scale, box["y"] + y * scale)
    page.mouse.down()
    for x, y in rest:
        page.mouse.move(box["x"] + x * scale, box["y"] + y * scale, steps=12)
    page.mouse.up()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_drawn_seven_is_answered_with_a_seven(browser: Browser, look: Look, width: int) -> None:
    with opened(browser, look.origin, width=width) as (page, found):
        draw(page, SEVEN)
        answer = page.locator("#answer")
        expect(answer).to_contain_text("The endpoint answers 7 (", timeout=20_000)
        # A second digit needs a clean pad, and gets its own answer.
        page.get_by_role("button", name="Clear").click()
        expect(answer).to_contain_text("Draw with")
        draw(page, ONE)
        expect(answer).to_contain_text("The endpoint answers 1 (", timeout=20_000)
        expect(page.locator("#state")).to_contain_text("Running.")
        assert KEY not in page.content()
        assert found == []


def test_who_cannot_draw_sends_a_real_digit_with_the_keyboard(browser: Browser, look: Look) -> None:
    with opened(browser, look.origin, width=1440) as (page, found):
        page.get_by_role("button", name="4", exact=True).focus()
        page.keyboard.press("Enter")
        expect(page.locator("#answer")).to_contain_text("answers 4 (", timeout=20_000)
        assert found == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_fits_is_accessible_and_asks_its_own_server_alone(
    browser: Browser, look: Look, width: int, dark: bool
) -> None:
    assert faults(browser, look.origin, width=width, dark=dark) == []


def test_a_page_opened_as_a_file_says_where_to_draw(browser: Browser, look: Look) -> None:
    with opened(browser, look.file.as_uri(), width=360) as (page, found):
        expect(page.locator("#elsewhere")).to_contain_text(look.origin)
        expect(page.locator("#pad")).to_be_hidden()
        assert found == []
    assert faults(browser, look.file.as_uri(), width=360) == []


def test_an_endpoint_that_is_gone_is_told(browser: Browser, tmp_path: Path) -> None:
    with looking(tmp_path) as look:
        look.service.terminate()
        look.service.wait(30)
        with opened(browser, look.origin, width=1440) as (page, _):
            expect(page.locator("#state")).to_contain_text("start it with make up", timeout=20_000)
            draw(page, SEVEN)
            expect(page.locator("#answer")).to_contain_text("gave no answer", timeout=20_000)
