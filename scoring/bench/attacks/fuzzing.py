"""Every fuzz target for some minutes, each in a process of its own, beside each other.

A run begins with what earlier ones found: the repository's corpus and this checkout's own.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from scoring.bench.attacks.fuzz_targets import CORPUS, TARGETS
from scoring.errors import PackagesError

LONGEST_INPUT = 2048
"""Bytes: longer inputs find nothing more, and fewer a second are tried."""

LONGEST_SECONDS = 5
"""A single input that takes longer is a find, too."""

_ROOT = CORPUS.parents[3]
FOUND = _ROOT / ".cache" / "fuzz"


@dataclass(frozen=True)
class Fuzzed:
    """What came of one target.

    Attributes:
        target: Its name.
        tried: Inputs that were run.
        covered: Edges of the code that any input reached.
        problem: The last words of the fuzzer where an input broke it, with that input's file.
    """

    target: str
    tried: int
    covered: int
    problem: str = ""


def available() -> bool:
    """Atheris is installed: it has wheels for Linux on x86-64."""
    return importlib.util.find_spec("atheris") is not None


def fuzz(seconds: int, found: Path = FOUND) -> list[Fuzzed]:
    """Fuzz all targets at once for so many seconds; what is new stays in `found`."""
    if not available():
        raise PackagesError("the fuzzer atheris is installed on Linux on x86-64 alone")
    begun = [(target, *_begin(target, seconds, found)) for target in TARGETS]
    return [_end(target, process, log) for target, process, log in begun]


def _begin(target: str, seconds: int, found: Path) -> tuple[subprocess.Popen[bytes], Path]:
    folder = found / target
    folder.mkdir(parents=True, exist_ok=True)
    log = found / f"{target}.log"
    command = [
        *(sys.executable, "-m", "scoring.bench.attacks.fuzz", target),
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST_INPUT}",
        f"-timeout={LONGEST_SECONDS}",
        f"-artifact_prefix={found}/{target}-",
        *("-rss_limit_mb=1024", "-print_final_stats=1"),
        *(str(folder), str(CORPUS / target)),
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=_ROOT, stdout=output, stderr=subprocess.STDOUT)
    return process, log


def _end(target: str, process: subprocess.Popen[bytes], log: Path) -> Fuzzed:
    try:
        code = process.wait()
    finally:
        process.kill()
        process.wait()
    text = log.read_text("utf-8", "replace")
    tried = re.findall(r"stat::number_of_executed_units:\s+(\d+)|^#(\d+)", text, re.MULTILINE)
    covered = re.findall(r" cov: (\d+)", text)
    problem = ""
    if code:
        lines = [line for line in text.splitlines() if "Error: " in line or "ERROR: " in line]
        kept = re.findall(r"written to (\S+)", text)
        problem = f"{(lines or [f'exit code {code}'])[-1][:200]}; input: {', '.join(kept) or log}"
    last = tried[-1] if tried else ("0", "")
    return Fuzzed(target, int(last[0] or last[1]), int(covered[-1]) if covered else 0, problem)


def keep(found: Path = FOUND) -> dict[str, int]:
    """Add what covers more to the repository's corpus; how many inputs each target got."""
    added = {}
    for target in TARGETS:
        before = set((CORPUS / target).iterdir())
        with tempfile.TemporaryFile() as output:
            subprocess.run(
                [
                    *(sys.executable, "-m", "scoring.bench.attacks.fuzz", target, "-merge=1"),
                    *(f"-max_len={LONGEST_INPUT}", str(CORPUS / target), str(found / target)),
                ],
                cwd=_ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=True,
            )
        added[target] = len(set((CORPUS / target).iterdir()) - before)
    return added
