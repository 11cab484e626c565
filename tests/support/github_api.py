"""A local server that stands in for GitHub's REST API over real HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "the-right-token"


@dataclass
class Answer:
    """What the server says instead of doing what was asked, or although it did."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    did_it: bool = False


class GitHubApi(ThreadingHTTPServer):
    """Answers with what `do` says; answers that were planned for a method come first."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.planned: dict[str, list[Answer]] = {"GET": [], "POST": [], "PATCH": []}
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def do(
        self, method: str, path: str, content: dict[str, Any]
    ) -> tuple[int, Any, dict[str, str]]:
        """(status, body, headers) of a call that is allowed."""
        raise NotImplementedError

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Serve until the block ends."""
        thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield
        finally:
            self.shutdown()
            thread.join()
            self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: GitHubApi  # pyright: ignore[reportIncompatibleVariableOverride]
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Stay quiet."""

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_PATCH(self) -> None:
        self._answer("PATCH")

    def _answer(self, method: str) -> None:
        self.server.asked.append(f"{method} {self.path}")
        content = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or "{}")
        if self.headers["authorization"] != f"Bearer {TOKEN}":
            self._send(401, {}, {})
            return
        planned = self.server.planned[method]
        if planned:
            answer = planned.pop(0)
            if answer.did_it:
                self.server.do(method, self.path, content)
            self._send(answer.status, {}, answer.headers)
            return
        self._send(*self.server.do(method, self.path, content))

    def _send(self, status: int, body: Any, headers: dict[str, str]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
