"""The page of the local stack: what it shows, who may ask its server, and how that ends."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from journey import pods
from journey.look import dashboard, picture, process
from journey.look.dashboard import Digits
from journey.steps import JourneyError

ROOT = Path(__file__).resolve().parents[2]
KEY = "the-key-of-this-test"
ROW = [0.0] * 783 + [1.0]


def a_resource(name: str, kind: str, *needs: str) -> dict[str, Any]:
    return {
        "urn": f"urn:pulumi:local::p::{kind}::{name}",
        "type": kind,
        "id": f"/subscriptions/0/resourceGroups/rg/providers/X/{name}-in-azure",
        "dependencies": [f"urn:pulumi:local::p::{each}" for each in needs],
    }


GROUP = a_resource("group", picture.GROUP)
VAULT = a_resource("vault", "azure-native:keyvault:Vault", f"{picture.GROUP}::group")
HUB = a_resource(
    "hub", "azure-native:x:Hub", "azure-native:keyvault:Vault::vault", f"{picture.GROUP}::group"
)
STACK = {"type": "pulumi:pulumi:Stack", "urn": "urn:pulumi:local::p::s::s"}


def test_a_resource_stands_to_the_right_of_what_it_depends_on() -> None:
    drawn = picture.draw([STACK, HUB, GROUP, VAULT])
    left, right = drawn.boxes
    assert (left.name, right.name) == ("vault", "hub")
    assert left.x + picture.WIDTH < right.x
    assert drawn.group == "group-in-azure"
    assert len(drawn.lines) == 1
    assert right.x + picture.WIDTH <= drawn.width


def test_no_two_boxes_lie_on_each_other() -> None:
    many = [a_resource(f"r{number}", "azure-native:x:Y") for number in range(7)]
    drawn = picture.draw(many)
    places = {(box.x, box.y) for box in drawn.boxes}
    assert len(places) == 7
    heights = sorted(box.y for box in drawn.boxes)
    assert all(b - a >= picture.HEIGHT for a, b in itertools.pairwise(heights))
    assert heights[-1] + picture.HEIGHT <= drawn.height


def test_no_resources_are_an_empty_picture(tmp_path: Path) -> None:
    assert picture.draw([]).boxes == ()
    assert "There are none." in dashboard.render(tmp_path, [], {}, "", "", None)


def test_objects_on_a_cluster_stand_behind_it(tmp_path: Path) -> None:
    """The first of them depends on it by its provider alone."""
    cluster, provider = (f"urn:pulumi:dev::p::{kind}::x" for kind in ("aks", "provider"))
    resources: list[dict[str, Any]] = [
        {"urn": cluster, "type": "azure-native:containerservice:ManagedCluster", "id": "/a/aks"},
        {"urn": provider, "type": "pulumi:providers:kubernetes", "dependencies": [cluster]},
        {
            "urn": "urn:pulumi:dev::p::n::namespace",
            "type": "kubernetes:core/v1:Namespace",
            "id": "svc",
            "provider": f"{provider}::1a2b",
        },
    ]
    before, after = picture.draw(resources).boxes
    assert (after.kind, after.id) == ("core/v1:Namespace", "svc")
    assert before.x < after.x
    assert len(picture.draw(resources).lines) == 1


KUBECTL = """#!/bin/sh
echo '{"items": [{"spec": {"replicas": 3}, "status": {"readyReplicas": %s}}]}'
"""


@pytest.mark.parametrize(
    ("ready", "said", "kind"),
    [("2", "Running: 2 of 3 pods are ready", "good"), ("0", "Not ready: 0 of 3 pods", "bad")],
)
def test_pods_are_told_as_ready_of_wanted(tmp_path: Path, ready: str, said: str, kind: str) -> None:
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(KUBECTL % ready)
    kubectl.chmod(0o755)
    env = {"PATH": str(tmp_path)}
    state = pods.state(env, {"namespace": "svc"})
    assert state.startswith(said)
    outputs = {"scoring_uri": "http://127.1.1.1:5001/score"}
    assert f'<p class="verdict {kind}" id="state"' in dashboard.render(
        tmp_path, [], outputs, state, "", None
    )
    kubectl.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(JourneyError, match="the state of the pods is unknown"):
        pods.state(env, {"namespace": "svc"})


def test_each_check_is_told_as_its_own_report_says(tmp_path: Path) -> None:
    reports: dict[str, Any] = {
        "report": {"accuracy": 0.9205, "rows": 10000},
        "smoke": {"passed": False, "samples": {"truth": [1, 2], "predicted": [1, 3]}},
        "review": {
            "failed": False,
            "obstacles": [],
            "findings": [{"mandatory": True}],
            "changes": [{}],
            "verdict": "1 replaced.",
        },
        "drift": {"code": 7, "verdict": "1 difference."},
    }
    for name, content in reports.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    (tmp_path / "drift.html").touch()
    found = {one.name: one for one in dashboard.checks(tmp_path)}
    assert found["Validation"].text == "accuracy 0.9205 on 10000 rows"
    assert (found["Smoke test"].word, found["Smoke test"].text) == (
        "failed",
        "1 of 2 samples right",
    )
    assert (found["Review"].word, found["Review"].kind) == ("must not be made", "bad")
    assert (found["Drift check"].word, found["Drift check"].page) == ("drift", "drift.html")
    assert found["Review"].page == ""


@pytest.mark.parametrize(("code", "word"), [(0, "in sync"), (1, "broke"), (7, "drift")])
def test_a_check_that_broke_is_not_told_as_good(tmp_path: Path, code: int, word: str) -> None:
    (tmp_path / "drift.json").write_text(json.dumps({"code": code, "verdict": "x"}))
    (found,) = [one for one in dashboard.checks(tmp_path) if one.name == "Drift check"]
    assert found.word == word
    assert (found.kind == "good") is (code == 0)


def test_what_never_ran_or_is_damaged_says_so(tmp_path: Path) -> None:
    (tmp_path / "drift.json").write_text("{")
    assert {one.word for one in dashboard.checks(tmp_path)} == {"not run yet"}


def test_only_the_pages_own_script_may_run(tmp_path: Path) -> None:
    outputs = {"scoring_uri": "http://127.1.1.1:5001/score", "x": "<script>alert(1)</script>"}
    text = dashboard.render(tmp_path, [], outputs, "Running", "http://127.0.0.1:1", DIGITS)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src &#39;sha256-{digest}&#39;" in text or f"'sha256-{digest}'" in text
    assert "alert" not in script


DIGITS = Digits([[0] * 784, [255] * 784], [0, 1])


@dataclass
class Endpoint:
    """An endpoint that wants the key and answers 7."""

    uri: str
    status: int = 200
    asked: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(service.status, {})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            service.asked.append({"key": self.headers.get("Authorization"), "body": body})
            self._send(service.status, [7])

        def _send(self, status: int, content: Any) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    service = Endpoint(f"http://127.0.0.1:{server.server_port}/score")
    yield service
    server.shutdown()
    server.server_close()


@dataclass(frozen=True)
class Served:
    """A state folder whose pages are served."""

    state: Path
    origin: str

    def ask(self, body: Any = None, **headers: str) -> httpx.Response:
        """What the page's script asks, unless a header says otherwise."""
        sent = {"Origin": self.origin, "Content-Type": "application/json", **headers}
        content = json.dumps({"data": [ROW]} if body is None else body)
        return httpx.post(
            f"{self.origin}/predict", content=content, headers=sent, trust_env=False, timeout=20
        )

    def get(self, path: str, **headers: str) -> httpx.Response:
        return httpx.get(f"{self.origin}{path}", headers=headers, trust_env=False, timeout=20)


def start(state: Path, uri: str, key: str = KEY) -> Served:
    out = state / "out"
    out.mkdir(exist_ok=True)
    (state / "server.json").touch()
    (out / "index.html").write_text("<h1>the stack</h1>")
    (out / "report.json").write_text("{}")
    return Served(state, process.start(state, out, ROOT, uri, key))


@pytest.fixture
def served(tmp_path: Path, endpoint: Endpoint) -> Iterator[Served]:
    yield start(tmp_path, endpoint.uri)
    process.stop(tmp_path)


def wait(condition: Callable[[], bool], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_a_digit_is_sent_with_the_key_and_the_answer_comes_back(
    served: Served, endpoint: Endpoint
) -> None:
    answer = served.ask()
    assert (answer.status_code, answer.json()) == (200, {"prediction": 7})
    assert endpoint.asked == [{"key": f"Bearer {KEY}", "body": {"data": [ROW]}}]
    assert KEY not in answer.text + str(answer.headers)
    assert KEY not in served.get("/").text
    # Nor where every user of the machine may look.
    pid = json.loads((served.state / "look.json").read_text())["pid"]
    assert KEY not in " ".join(psutil.Process(pid).cmdline())
    assert KEY not in (served.state / "look.json").read_text()


def test_another_origin_another_name_and_no_digit_are_refused(
    served: Served, endpoint: Endpoint
) -> None:
    assert served.ask(Origin="http://evil.example").status_code == 403
    assert served.ask(Origin="null").status_code == 403
    assert served.ask(**{"Content-Type": "text/plain"}).status_code == 415
    assert served.get("/", Host="evil.example").status_code == 421
    assert served.ask(Host="evil.example").status_code == 421
    for body in (
        *({}, [], {"data": []}, {"data": [[1, 2]]}, {"data": [ROW, ROW]}, {"data": [["x"] * 784]}),
        *({"data": [[2.0] * 784]}, {"data": [[float("nan")] * 784]}, "x" * 40_000),
    ):
        assert served.ask(body).status_code == 400, body
    assert endpoint.asked == []


def test_only_the_pages_are_served(served: Served) -> None:
    assert served.get("/").text == "<h1>the stack</h1>"
    assert served.get("/index.html").headers["cache-control"] == "no-store"
    for path in ("/report.json", "/other.html", "/..%2flook.json", "/../look.json", "/drift.html"):
        assert served.get(path).status_code == 404, path


def test_an_endpoint_that_refuses_or_is_gone_is_told(served: Served, endpoint: Endpoint) -> None:
    assert served.get("/state").json() == {"ready": True}
    endpoint.status = 401
    assert served.ask().json() == {"error": "HTTP 401"}
    assert served.get("/state").json() == {"ready": False}


def test_the_same_again_goes_on_and_another_key_begins_anew_at_the_same_address(
    served: Served, endpoint: Endpoint
) -> None:
    first = json.loads((served.state / "look.json").read_text())["pid"]
    assert start(served.state, endpoint.uri).origin == served.origin
    assert json.loads((served.state / "look.json").read_text())["pid"] == first
    assert start(served.state, endpoint.uri, "new-key").origin == served.origin
    assert not psutil.pid_exists(first)
    served.ask()
    assert endpoint.asked[-1]["key"] == "Bearer new-key"


def test_it_ends_with_the_stand_in(served: Served) -> None:
    assert served.get("/").status_code == 200
    pid = json.loads((served.state / "look.json").read_text())["pid"]
    (served.state / "server.json").unlink()
    found = psutil.Process(pid)
    assert wait(lambda: found.status() == psutil.STATUS_ZOMBIE)
    os.waitpid(pid, 0)
    assert process.address(served.state) == ""


def test_stopping_what_does_not_run_does_nothing(tmp_path: Path) -> None:
    process.stop(tmp_path)
    (tmp_path / "look.json").write_text("{")
    process.stop(tmp_path)
    assert process.address(tmp_path) == ""
