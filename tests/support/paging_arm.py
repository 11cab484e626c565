"""An ARM in front of the stand-in's that gives lists of resources in pages of one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from local_azure.certificates import Certificates
from local_azure.home import Home
from tests.support.answering import answering
from tests.support.machine import Machine


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, behind: httpx.Client, host: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind = behind
        self.host = host
        self.pages = 0


class _Handler(BaseHTTPRequestHandler):
    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet."""

    def do_GET(self) -> None:
        headers = {"Authorization": self.headers.get("Authorization", "")}
        found = self.server.behind.get(self.path, headers=headers)
        content = found.content
        place = urlsplit(self.path)
        if place.path.endswith("/resources") and found.is_success:
            content = self._page(json.loads(content)["value"], parse_qs(place.query))
        self.send_response(found.status_code)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _page(self, items: list[Any], query: dict[str, list[str]]) -> bytes:
        number = int(query.get("page", ["0"])[0])
        self.server.pages += 1
        page: dict[str, Any] = {"value": items[number : number + 1]}
        if number + 1 < len(items):
            base = f"https://{self.server.host}:{self.server.server_address[1]}"
            version = query["api-version"][0]
            path = urlsplit(self.path).path
            page["nextLink"] = f"{base}{path}?api-version={version}&page={number + 1}"
        return json.dumps(page).encode()


@contextmanager
def paging(machine: Machine, *, host: str = "127.0.0.1") -> Iterator[tuple[str, _Server]]:
    """(URL, server); the next pages are said to be at a host."""
    certificates = Certificates.at(Home(machine.folder).certificates)
    endpoint = machine.environment()["ARM_RESOURCE_MANAGER_ENDPOINT"]
    tls = certificates.client_context()
    with (
        httpx.Client(base_url=endpoint, verify=tls, timeout=60) as behind,
        answering(_Server(behind, host), certificates) as server,
    ):
        yield f"https://127.0.0.1:{server.server_address[1]}", server
