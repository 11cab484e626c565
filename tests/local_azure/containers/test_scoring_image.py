"""The image that `python -m scoring build` makes runs here as any other does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.debian import needs_debian_12

CHECKOUT = Path(__file__).parents[3]
MODEL = CHECKOUT / "model_eval" / "models" / "sklearn_mnist" / "1"


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("kind", [(), pytest.param(("--complete",), marks=needs_debian_12)])
def test_the_scoring_image_is_built_pushed_and_answers(
    kind: tuple[str, ...], groups: Any, asked: Any, stand_in: Any, tmp_path: Path
):
    def scoring(command: str, *arguments: str) -> dict[str, Any]:
        report = tmp_path / f"{command}.json"
        subprocess.run(
            [sys.executable, "-m", "scoring", command, *arguments, "--json", str(report)],
            cwd=CHECKOUT,
            env=stand_in.environment(),
            check=True,
        )
        return json.loads(report.read_text())

    image = str(tmp_path / "image")
    scoring("build", "--model", str(MODEL), "--out", image, *kind)
    target = ["--registry", groups.world.server, "--repository", "scoring"]
    pushed = scoring("push", "--image", image, *target)
    body = groups.body(
        image=pushed["reference"],
        resources={"requests": {"cpu": 1, "memoryInGB": 1}},
        environmentVariables=[{"name": "SCORING_KEY", "secureValue": "a-key-for-this-test"}],
    )
    group = groups.put(body)
    assert asked(group, "/ready")["status"] == "ready"
