"""A local server that stands in for GitHub's REST API over real HTTP."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "the-right-token"


@dataclass
class Answer:
    """What the server says instead of doing what was asked, or although it did."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    did_it: bool = False
    body: Any = field(default_factory=dict)
    """Bytes are sent as they are, anything else as JSON."""


class GitHubApi(ThreadingHTTPServer):
    """Answers with what `do` says; answers that were planned for a method come first.

    Attributes:
        user: Whose token it is; None for the token of a workflow, which is no user's.
        on_patch: What happens at the moment of a change.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.planned: dict[str, list[Answer]] = {"GET": [], "POST": [], "PATCH": []}
        self.asked: list[str] = []
        self.user: str | None = None
        self.on_patch: Callable[[], object] = lambda: None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def do(
        self, method: str, path: str, content: dict[str, Any]
    ) -> tuple[int, Any, dict[str, str]]:
        """(status, body, headers) of a call that is allowed."""
        raise NotImplementedError

    @property
    def author(self) -> dict[str, str]:
        """Who writes with the token."""
        return {"login": self.user or "github-actions[bot]"}


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
        self.server.on_patch()
        self._answer("PATCH")

    def _answer(self, method: str) -> None:
        self.server.asked.append(f"{method} {self.path}")
        content = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or "{}")
        if self.headers["authorization"] != f"Bearer {TOKEN}":
            self._send(401, {}, {})
            return
        if self.headers["x-github-api-version"] != "2022-11-28":
            self._send(400, {"message": "This version of the API is not supported."}, {})
            return
        if self.headers["accept"] != "application/vnd.github+json":
            self._send(415, {"message": "Unsupported 'Accept' header"}, {})
            return
        planned = self.server.planned[method]
        if planned:
            answer = planned.pop(0)
            if answer.did_it:
                self.server.do(method, self.path, content)
            self._send(answer.status, answer.body, answer.headers)
            return
        if (method, self.path) == ("GET", "/user"):
            refusal = {"message": "Resource not accessible by integration"}
            user = self.server.user
            self._send(*((200, {"login": user}) if user else (403, refusal)), {})
            return
        self._send(*self.server.do(method, self.path, content))

    def _send(self, status: int, body: Any, headers: dict[str, str]) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


class Comments(GitHubApi):
    """The comments of pull request 7 of o/r, five a page.

    Attributes:
        comments: What is there.
        next_host: Where the next page is said to be; empty for the server itself.
        moved: Where the repository went, or empty.
    """

    def __init__(self) -> None:
        super().__init__()
        self.comments: list[dict[str, Any]] = []
        self.next_host = ""
        self.moved = ""

    def write(self, body: str, login: str) -> dict[str, Any]:
        """Somebody writes a comment."""
        number = len(self.comments)
        self.comments.append(
            {"id": number, "html_url": f"http://c/{number}", "body": body, "user": {"login": login}}
        )
        return self.comments[-1]

    def do(
        self, method: str, path: str, content: dict[str, Any]
    ) -> tuple[int, Any, dict[str, str]]:
        """List, create or change."""
        address = urlsplit(path)
        place = address.path
        if self.moved and place.startswith("/repos/o/r/"):
            location = self.moved + path.removeprefix("/repos/o/r")
            return (301 if method == "GET" else 307), {}, {"location": location}
        place = place.replace("/repositories/1/", "/repos/o/r/")
        if method == "GET" and place == "/repos/o/r/issues/7/comments":
            page = int(parse_qs(address.query).get("page", ["1"])[0])
            host = self.next_host or self.url
            link = {"link": f'<{host}{address.path}?page={page + 1}>; rel="next"'}
            more = page * 5 < len(self.comments)
            return 200, self.comments[(page - 1) * 5 : page * 5], link if more else {}
        if method == "POST" and place == "/repos/o/r/issues/7/comments":
            return 201, self.write(content["body"], self.author["login"]), {}
        match = re.fullmatch(r"/repos/o/r/issues/comments/(\d+)", place)
        found = [one for one in self.comments if match and one["id"] == int(match[1])]
        if method == "PATCH" and found:
            if found[0]["user"] != self.author:
                return 403, {"message": "Resource not accessible by integration"}, {}
            found[0] |= content
            return 200, found[0], {}
        return 404, {"message": "Not Found"}, {}


class Issues(GitHubApi):
    """The issues of o/r and their comments, five a page.

    Attributes:
        issues: What is there.
        comments: What was said to each.
    """

    def __init__(self) -> None:
        super().__init__()
        self.issues: list[dict[str, Any]] = []
        self.comments: dict[int, list[str]] = {}

    def add(self, **values: Any) -> dict[str, Any]:
        """Who writes with the token opens one, unless another `user` is named."""
        number = len(self.issues) + 1
        known = {"number": number, "state": "open", "html_url": f"http://i/{number}"}
        self.issues.append({**known, "user": self.author, **values})
        return self.issues[-1]

    def do(
        self, method: str, path: str, content: dict[str, Any]
    ) -> tuple[int, Any, dict[str, str]]:
        """List, open, change, or comment on one."""
        address = urlsplit(path)
        if method == "GET" and address.path == "/repos/o/r/issues":
            return self._list({name: one[0] for name, one in parse_qs(address.query).items()})
        if method == "POST" and address.path == "/repos/o/r/issues":
            return 201, self.add(**content), {}
        match = re.fullmatch(r"/repos/o/r/issues/(\d+)(/comments)?", address.path)
        if match and method == "POST" and match[2]:
            self.comments.setdefault(int(match[1]), []).append(content["body"])
            return 201, {}, {}
        if match and method == "PATCH":
            self.issues[int(match[1]) - 1] |= content
            return 200, self.issues[int(match[1]) - 1], {}
        return 404, {}, {}

    def _list(self, query: dict[str, str]) -> tuple[int, Any, dict[str, str]]:
        found = [one for one in self.issues if one["state"] == query["state"]]
        if (query["sort"], query["direction"]) != ("created", "asc"):
            found.reverse()
        page = int(query.get("page", 1))
        more = f"/repos/o/r/issues?state=open&sort=created&direction=asc&page={page + 1}"
        link = {"link": f'<{self.url}{more}>; rel="next"'} if page * 5 < len(found) else {}
        return 200, found[(page - 1) * 5 : page * 5], link
