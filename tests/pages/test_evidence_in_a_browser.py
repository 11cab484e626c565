"""The pages of the model's evidence: they fit, can be read by everybody and load nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from typer.testing import CliRunner

from model_eval.__main__ import app
from tests.support.browser import WIDTHS, faults


def write(folder: Path, name: str, *arguments: str) -> Path:
    """Run a command, whatever its result: a failed one has a page, too."""
    page = folder / f"{name}.html"
    CliRunner().invoke(app, [*arguments, "--out", str(folder / "out"), "--html", str(page)])
    assert page.exists()
    return page


class Wrong(BaseHTTPRequestHandler):
    """A service that has another model."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status": "ready", "model": {"sha256": "00"}}')

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Each page once."""
    folder = tmp_path_factory.mktemp("pages")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Wrong)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    uri = f"http://127.0.0.1:{server.server_port}/score"
    try:
        yield {
            "passed": write(folder, "passed", "validate"),
            "refused": write(folder, "refused", "validate", "--min-accuracy", "0.99"),
            "failed": write(folder, "failed", "smoke", "--uri", uri, "--wait", "0"),
        }
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["passed", "refused", "failed"])
def test_the_page_fits_is_accessible_and_loads_nothing(
    browser: Browser, pages: dict[str, Path], name: str, width: int, dark: bool
) -> None:
    assert faults(browser, pages[name].as_uri(), width=width, dark=dark) == []
