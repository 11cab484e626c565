"""The README's tour of the whole life, typed as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEADING = "## The whole life, on your machine"


def lines() -> list[str]:
    """The lines of the tour, without what is said beside them."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition(HEADING)[2]
    (block,) = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)[:1]
    return [line.partition("  #")[0].strip() for line in block.splitlines()]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, int, str]]:
    """Each line with its exit code and what was printed, from one shell; then nothing is left."""
    state = tmp_path_factory.mktemp("tour") / "state"
    mark = "-- ended with"
    script = [f"{{ {line}\n}} 2>&1; echo '{mark}' $?" for line in lines()]
    # What `make up` says to try is tried.
    script[0] += '\neval "$(sed -n \'s/^Try it: *//p\' "$TOLD")" > "$TOLD.answer"\n'
    script[0] = script[0].replace("make up\n}", 'make up | tee "$TOLD"\n}')
    environment = {**os.environ, "LOCAL_AZURE_DIR": str(state), "TOLD": str(state.parent / "told")}
    try:
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", "\n".join(script)],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=1200,
        )
        assert not state.exists(), done.stdout + done.stderr
    finally:
        subprocess.run(
            [sys.executable, "-m", "journey", "down"], cwd=ROOT, env=environment, check=False
        )
    answer = (state.parent / "told.answer").read_text()
    assert re.fullmatch(r"\[\d\]\s*", answer), f"{answer!r}\n{done.stdout}{done.stderr}"
    parts = re.split(rf"^{mark} (\d+)\n", done.stdout, flags=re.MULTILINE)
    return [(line, int(parts[2 * n + 1]), parts[2 * n]) for n, line in enumerate(lines())]


@pytest.mark.slow
@pytest.mark.stack
@pytest.mark.timeout(1300)
def test_every_line_of_the_tour_does_what_the_readme_says(
    told: list[tuple[str, int, str]],
) -> None:
    failed = [(line, printed) for line, code, printed in told if code]
    assert [line for line, _ in failed] == ["make drift"], failed
    assert "1 critical" in failed[0][1]
    printed = {line: text for line, _, text in told}
    assert "1 replaced" in printed["make review"]
    assert "In sync." in printed["make drift"]
    assert "it serves" in printed["make smoke"]
