"""Small models and a real HTTP endpoint for them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import sklearn
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from model_eval import manifest as manifests
from model_eval.digest import sha256_of
from model_eval.estimator import load

ROOT = Path(__file__).resolve().parents[2]
MNIST = ROOT / "model_eval" / "models" / "sklearn_mnist" / "1"


@pytest.fixture
def mnist_model() -> Path:
    """The committed model directory."""
    return MNIST


@dataclass
class Wine:
    """A pipeline with a scaler and string labels, and its test data as a file."""

    model: Path
    data: Path


@pytest.fixture
def wine(tmp_path: Path) -> Wine:
    """scikit-learn's own wine data: 13 features, three growers."""
    features, numbers = load_wine(return_X_y=True)
    labels = np.array(["barolo", "grignolino", "barbera"])[numbers]
    model = make_pipeline(StandardScaler(), LogisticRegression(random_state=1))
    model.fit(features[::2], labels[::2])
    folder = tmp_path / "wine"
    folder.mkdir()
    joblib.dump(model, folder / "wine.pkl")
    manifests.write(
        folder,
        {
            "name": "wine",
            "version": "3",
            "file": "wine.pkl",
            "sha256": sha256_of(folder / "wine.pkl"),
            "estimator": "Pipeline",
            "framework": {"scikit-learn": sklearn.__version__},
            "input": {"features": 13},
            "classes": [str(label) for label in model.classes_],
        },
    )
    data = tmp_path / "wine.npz"
    np.savez(data, X=features[1::2], y=labels[1::2])
    return Wine(folder, data)


@dataclass
class Service:
    """A scoring service that answers as its model does, until a test changes an attribute."""

    model: Path
    sha256: str
    key: str | None = None
    unavailable: int = 0
    answer: Callable[[list[Any]], Any] | None = None
    requests: list[dict[str, Any]] = field(default_factory=list)
    uri: str = ""


@pytest.fixture
def serve() -> Iterator[Callable[[Path], Service]]:
    """Start services on free ports; all are stopped at the end."""
    servers: list[ThreadingHTTPServer] = []

    def start(folder: Path) -> Service:
        model, manifest = load(folder)
        service = Service(folder, manifest.sha256)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._send(200, {"status": "ready", "model": {"sha256": service.sha256}})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                service.requests.append({"headers": dict(self.headers), "body": body})
                if service.key and self.headers.get("Authorization") != f"Bearer {service.key}":
                    self._send(401, {"error": "key"})
                    return
                answers = model.predict(np.array(body["data"])).tolist()
                self._send(200, service.answer(answers) if service.answer else answers)

            def _send(self, status: int, body: Any) -> None:
                if service.unavailable > 0:
                    service.unavailable -= 1
                    status, body = 503, {"error": "starting"}
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("x-model-sha256", service.sha256)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        service.uri = f"http://127.0.0.1:{server.server_port}/score"
        return service

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
