"""Every fuzz target for some minutes, each in a process of its own, beside each other.

A run begins with what earlier ones found: the repository's corpus and this checkout's own.
"""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from scoring.bench.attacks.arena import Figure, Outcome
from scoring.bench.attacks.fuzz_targets import CORPUS, TARGETS
from scoring.errors import PackagesError

LONGEST_INPUT = 2048
"""Bytes: longer inputs find nothing more, and fewer a second are tried."""

LONGEST_SECONDS = 5
"""A single input that takes longer is a find, too."""

NAME = "fuzzed"
_FEWEST_INPUTS = 1000
_ROOT = CORPUS.parents[3]
FOUND = _ROOT / ".cache" / "fuzz"


def fuzz(seconds: int) -> list[Outcome]:
    """Fuzz all targets at once for so many seconds; what is new is kept.

    An input that broke a target is its problem, with the last words of the fuzzer.

    Raises:
        PackagesError: There is no fuzzer for this machine.
    """
    if importlib.util.find_spec("atheris") is None:
        raise PackagesError("the fuzzer atheris is installed on Linux on x86-64 alone")
    begun = [(target, *_begin(target, seconds)) for target in TARGETS]
    return [_end(target, process, log) for target, process, log in begun]


def _begin(target: str, seconds: int) -> tuple[subprocess.Popen[bytes], Path]:
    folder = FOUND / target
    folder.mkdir(parents=True, exist_ok=True)
    log = FOUND / f"{target}.log"
    command = [
        *(sys.executable, "-m", "scoring.bench.attacks.fuzz", target),
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST_INPUT}",
        f"-timeout={LONGEST_SECONDS}",
        f"-artifact_prefix={FOUND}/{target}-",
        *("-rss_limit_mb=1024", "-print_final_stats=1"),
        *(str(folder), str(CORPUS / target)),
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=_ROOT, stdout=output, stderr=subprocess.STDOUT)
    return process, log


def _end(target: str, process: subprocess.Popen[bytes], log: Path) -> Outcome:
    try:
        code = process.wait()
    finally:
        process.kill()
        process.wait()
    text = log.read_text("utf-8", "replace")
    tried = re.findall(r"stat::number_of_executed_units:\s+(\d+)|^#(\d+)", text, re.MULTILINE)
    last = tried[-1] if tried else ("0", "")
    inputs = int(last[0] or last[1])
    problem = "" if inputs >= _FEWEST_INPUTS else f"only {inputs} inputs were tried"
    if code:
        lines = [line for line in text.splitlines() if "Error: " in line or "ERROR: " in line]
        kept = re.findall(r"written to (\S+)", text)
        problem = f"{(lines or [f'exit code {code}'])[-1][:200]}; input: {', '.join(kept) or log}"
    return Outcome(
        f"{NAME}: {target}", inputs, [Figure("inputs that break it", bool(code), 0)], problem
    )


def keep() -> None:
    """Add what covers more to the repository's corpus."""
    for target in TARGETS:
        with tempfile.TemporaryFile() as output:
            subprocess.run(
                [
                    *(sys.executable, "-m", "scoring.bench.attacks.fuzz", target, "-merge=1"),
                    *(f"-max_len={LONGEST_INPUT}", str(CORPUS / target), str(FOUND / target)),
                ],
                cwd=_ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=True,
            )
