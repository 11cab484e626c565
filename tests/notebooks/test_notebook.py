"""The tutorial's journey in a notebook: stored clean, run from top to bottom, its numbers held."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.support.machine import MODEL, ROOT, Machine

FILE = ROOT / "notebooks" / "deploy_and_test.ipynb"
ORDER = (
    *("Set up", "Retrieve the model", "Load the test data", "Predict the test data"),
    *("Examine the confusion matrix", "Plot it", "The scoring script", "The environment file"),
    *("The deployment configuration", "Deploy in ACI", "Test the deployed service"),
    *("The same by raw HTTP", "Clean up"),
)


def notebook() -> Any:
    return nbformat.read(FILE, as_version=4)


def test_it_is_stored_without_outputs() -> None:
    for cell in notebook().cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


def test_it_follows_the_tutorials_order() -> None:
    text = "\n".join(cell.source for cell in notebook().cells if cell.cell_type == "markdown")
    assert tuple(re.findall(r"^## \d+\. (.*)$", text, re.MULTILINE)) == ORDER


def test_its_cells_are_short() -> None:
    assert max(len(cell.source.splitlines()) for cell in notebook().cells) <= 15


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Machine, Path, str]]:
    """(the machine, the folder with the results, all that was printed) of one whole run."""
    folder = tmp_path_factory.mktemp("notebook")
    machine = Machine(folder / "state")
    try:
        machine.configure("azure-native:location=westeurope")
        environment = {
            **os.environ,
            **machine.environment(),
            "NOTEBOOK_OUT": str(folder / "out"),
            "IPYTHONDIR": str(folder / "ipython"),
        }
        executed = notebook()
        client = NotebookClient(
            executed,
            timeout=300,
            kernel_name="python3",
            resources={"metadata": {"path": str(FILE.parent)}},
        )
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("JUPYTER_RUNTIME_DIR", str(folder / "runtime"))
            client.execute(env=environment)
        printed = "\n".join(
            output.get("text", "") or str(output.get("data", {}).get("text/plain", ""))
            for cell in executed.cells
            if cell.cell_type == "code"
            for output in cell.outputs
        )
        yield machine, folder / "out", printed
    finally:
        machine.inside("pulumi", "destroy", "--yes", "--skip-preview", good=False)
        machine.run("stop", good=False)


@pytest.mark.stack
@pytest.mark.timeout(600)
def test_it_runs_from_top_to_bottom_with_the_tutorials_numbers(
    run: tuple[Machine, Path, str],
) -> None:
    machine, out, printed = run
    assert "Azure ML SDK version: 1.61" in printed
    assert "The local stand-in, not Azure" in printed
    assert "(10000, 784) (10000,) 0.0 1.0" in printed
    assert "Overall accuracy: 0.9205" in printed
    assert re.search(r"\[ +10 +2 +0 +41 +10 +770 +17 +7 +28 +7\]", printed)
    assert printed.count("ok - ") == 3
    assert "FAILED" not in printed
    (uri,) = re.findall(r"^Scoring URI: (http://\S+:5001/score)$", printed, re.MULTILINE)
    assert f"POST to url {uri}" in printed
    assert re.search(r"^prediction: \[\d\]$", printed, re.MULTILINE)
    for name in ("conf.png", "results.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    pickle = out / "model" / "sklearn_mnist_model.pkl"
    assert pickle.read_bytes() == (MODEL / "sklearn_mnist_model.pkl").read_bytes()
    # Cleaned up: the service is gone, the workspace is there.
    outputs = machine.outputs()
    assert "scoring_uri" not in outputs
    assert "workspace" in outputs
