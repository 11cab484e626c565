"""The documents as a site: every link and anchor leads somewhere, and nothing is fetched."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
FETCHED = {"script": "src", "img": "src", "link": "href", "iframe": "src"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built strictly: a link or an anchor that leads nowhere fails."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


class Elements(HTMLParser):
    """What a browser fetches by itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        address = values.get(FETCHED.get(tag, ""))
        if address and values.get("rel") not in {"canonical", "next", "prev", "edit"}:
            self.addresses.append(address)


def test_every_document_is_a_page_of_the_site(site: Path) -> None:
    for document in DOCUMENTS:
        path = document.relative_to(ROOT).with_suffix("")
        page = site if path.name == "README" else site / path
        assert (page / "index.html").is_file(), document
    for room in ("infra", "infra/review", "infra/drift", "scoring", "model_eval", "local_azure"):
        assert (site / room / "index.html").is_file(), room


def test_no_page_fetches_anything_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 12
    for page in pages:
        for address in Elements(page.read_text(encoding="utf-8")).addresses:
            assert not re.match(r"(https?:)?//", address), f"{page}: {address}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_a_link_to_a_file_of_the_repository_leads_to_one(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)|src=\"([^\"]+)\"", text)
    for link in (one or two for one, two in links):
        assert link.startswith("https://") or (document.parent / link).exists(), link


def test_every_picture_is_shown_and_small() -> None:
    shown = "".join(document.read_text(encoding="utf-8") for document in DOCUMENTS)
    pictures = sorted((ROOT / "docs" / "images").glob("*.png"))
    assert pictures
    for picture in pictures:
        assert f"images/{picture.name}" in shown, picture.name
        assert picture.stat().st_size < 120_000, picture.name
        with Image.open(picture) as opened:
            assert opened.width <= 2000


def test_the_tests_that_hold_a_statement_about_azure_exist() -> None:
    text = (ROOT / "docs" / "azure.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.count("|") == 4]
    statements = [row for row in rows if not row.startswith(("|---", "| statement |"))]
    assert len(statements) > 20
    for row in statements:
        found = re.search(r"\| `(tests/[\w/]+\.py)::(\w+)` \|$", row)
        assert found, f"no test holds it: {row}"
        file, test = found.groups()
        assert re.search(
            rf"^def {test}\(", (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE
        ), f"{file}::{test}"
