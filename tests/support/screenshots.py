"""The pictures of the documentation: `python -m tests.support.screenshots`, after `make up`.

They are looked at by whoever takes them; no test compares them.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from pathlib import Path

import cmarkgfm
import typer
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from infra.review import rendering
from journey.look import process
from local_azure.home import Home
from tests.pages.test_dashboard_in_a_browser import SEVEN, draw
from tests.support import sample_pages
from tests.support.browser import chromium, opened

ROOT = Path(__file__).resolve().parents[2]
app = typer.Typer(add_completion=False)
IMAGES = ROOT / "docs" / "images"
WIDTH, HEIGHT = 1180, 900
COLOURS = 96
_GITHUB = """
body { margin: 0; padding: 20px 24px; width: 860px; font: 14px/1.5 system-ui, sans-serif; color: #1f2328; background: #fff; border: 1px solid #d1d9e0; border-radius: 6px; box-sizing: border-box; }
h2 { margin: 0 0 12px; font-size: 20px; border-bottom: 1px solid #d1d9e0; padding-bottom: 6px; }
h3 { margin: 18px 0 8px; font-size: 16px; }
code { font: 12px ui-monospace, monospace; background: #eff1f3; padding: 2px 5px; border-radius: 5px; overflow-wrap: anywhere; }
table { border-collapse: collapse; margin: 8px 0; } td, th { border: 1px solid #d1d9e0; padding: 5px 11px; text-align: left; }
"""  # noqa: E501 - a style


@app.command()
def take() -> None:
    """Take all pictures of the documentation."""
    home = Home.from_environment()
    served = process.address(home.root)
    if not served:
        sys.exit("error: nothing is deployed here; first: make up, make review, make drift")
    IMAGES.mkdir(parents=True, exist_ok=True)
    out = home.root / "out"
    with chromium() as browser, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with opened(browser, served, width=WIDTH) as (page, _):
            draw(page, SEVEN)
            expect(page.locator("#answer")).to_contain_text("answers", timeout=20_000)
            _take(page, "dashboard", whole=True)
        _page(browser, out / "validation.html", "validation")
        _page(browser, out / "smoke.html", "smoke")
        _page(browser, sample_pages.review(folder), "review")
        _page(browser, sample_pages.drift(folder), "drift")
        comment = folder / "comment.html"
        comment.write_text(_comment(folder), encoding="utf-8")
        _page(browser, comment, "review-comment")
    shutil.copyfile(out / "results.png", IMAGES / "results.png")
    _small(IMAGES / "results.png")


def _comment(folder: Path) -> str:
    """The sample review as GitHub shows its Markdown."""
    text = rendering.markdown(sample_pages.report(folder / "comment"))
    body = cmarkgfm.github_flavored_markdown_to_html(text)
    head = re.split(r"<h3>(?=Policies|Stack)", body)[0]
    return f"<!doctype html><meta charset=utf-8><style>{_GITHUB}</style>{head}"


def _page(browser: Browser, file: Path, name: str) -> None:
    with opened(browser, file.as_uri(), width=WIDTH) as (page, _):
        if name == "review-comment":
            page.locator("body").screenshot(path=IMAGES / f"{name}.png")
            _small(IMAGES / f"{name}.png")
        else:
            _take(page, name)


def _take(page: Page, name: str, *, whole: bool = False) -> None:
    """The first screens of a page: the whole of it is for the browser."""
    file = IMAGES / f"{name}.png"
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT if not whole else 1240})
    page.evaluate("window.scrollTo(0, 0)")
    page.screenshot(path=file)
    _small(file)


def _small(file: Path) -> None:
    """A palette is enough for pages, and a third of the bytes."""
    picture = Image.open(file).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(file, optimize=True)


if __name__ == "__main__":
    app(prog_name="python -m tests.support.screenshots")
