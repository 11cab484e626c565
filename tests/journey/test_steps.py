"""A step: shown, its output kept, ended with everything that it started."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from journey import steps as steps_module
from journey.steps import JourneyError, Steps

SLOW = """
import pathlib, signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"],
                         start_new_session=True)
{handler}
pathlib.Path(sys.argv[1]).write_text(str(child.pid))
print("began", flush=True)
time.sleep(60)
"""
POLITE = """
def end(*_):
    child.kill(); child.wait()
    print("ended by itself", flush=True)
    sys.exit(3)
signal.signal(signal.SIGINT, end)
"""
DEAF = "signal.signal(signal.SIGINT, signal.SIG_IGN)"


@pytest.fixture
def said() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def steps(tmp_path: Path, said: io.StringIO) -> Steps:
    return Steps(Console(file=said, width=200), tmp_path, tmp_path / "logs")


def interrupted(steps: Steps, note: Path, handler: str, times: int = 1) -> psutil.Process | None:
    """Interrupt a step once it runs; returns the process that its command started, if it lives."""

    def interrupt() -> None:
        deadline = time.monotonic() + 30
        while not (note.exists() and note.read_text()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        for _ in range(times):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.5)

    helper = threading.Thread(target=interrupt)
    helper.start()
    command = [sys.executable, "-c", SLOW.format(handler=handler), str(note)]
    with pytest.raises(KeyboardInterrupt):
        steps.run("Work", command, dict(os.environ))
    helper.join()
    deadline = time.monotonic() + 10  # a kill is sent at once and takes effect a moment later
    try:
        child = psutil.Process(int(note.read_text()))
        while child.status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > deadline:
                return child
            time.sleep(0.01)
    except psutil.NoSuchProcess:
        pass
    return None


def test_an_interrupted_command_ends_by_itself(steps: Steps, tmp_path: Path, said: io.StringIO):
    began = time.monotonic()
    assert interrupted(steps, tmp_path / "pid", POLITE) is None
    assert time.monotonic() - began < 20
    assert "interrupted; it may end by itself" in said.getvalue()


def test_an_interrupt_that_comes_while_a_command_starts_is_handed_on(
    steps: Steps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    begin, note = threading.Thread.start, tmp_path / "pid"

    def interrupted_once(thread: threading.Thread) -> None:
        if "(watch)" not in thread.name:  # who looks after the disk, which starts after the command
            return begin(thread)
        while not (note.exists() and note.read_text()):
            time.sleep(0.01)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "start", interrupted_once)
    command = [sys.executable, "-c", SLOW.format(handler=POLITE), str(note)]
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        steps.run("Work", command, dict(os.environ))
    assert time.monotonic() - began < 30


def test_a_command_that_does_not_end_is_killed_with_its_children(
    steps: Steps, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(steps_module, "END_SECONDS", 1.0)
    assert interrupted(steps, tmp_path / "pid", DEAF) is None


def test_a_second_interrupt_kills_at_once(steps: Steps, tmp_path: Path):
    began = time.monotonic()
    assert interrupted(steps, tmp_path / "pid", DEAF, times=2) is None
    assert time.monotonic() - began < steps_module.END_SECONDS / 2


def test_a_failed_command_shows_its_end_and_names_its_log(steps: Steps, said: io.StringIO):
    code = "print(*range(100), sep='\\n'); raise SystemExit(7)"
    with pytest.raises(JourneyError, match=r"Work failed with exit code 7 .* logs/01-work.log"):
        steps.run("Work", [sys.executable, "-c", code], dict(os.environ))
    assert "75 lines more in logs/01-work.log" in said.getvalue()
    assert "99" in said.getvalue()


def test_the_output_is_plain_where_it_is_no_terminal(steps: Steps, said: io.StringIO):
    steps.run("Work", [sys.executable, "-c", "print(1)"], dict(os.environ))
    assert "\x1b" not in said.getvalue()


def test_signs_become_words_where_the_output_cannot_hold_them(tmp_path: Path):
    code = (
        "import pathlib, sys; from rich.console import Console; from journey.steps import Steps; "
        "Steps(Console(), pathlib.Path(), pathlib.Path()).done('Work', 1)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "ok Work (1.0 s)"


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_running_step_fits_into_one_line_of_a_narrow_terminal(tmp_path: Path, width: int):
    said = io.StringIO()
    terminal = Console(file=said, width=width, force_terminal=True, highlight=False)
    shown = Steps(terminal, tmp_path, tmp_path)._progress("Make something", 12.0, "long " * 40)
    assert len(terminal.render_str(shown)) <= width - 2


def test_no_stump_of_the_running_commands_line_is_shown(tmp_path: Path):
    terminal = Console(file=io.StringIO(), width=60, force_terminal=True, highlight=False)
    title = "Make the infrastructure, without the service"
    shown = Steps(terminal, tmp_path, tmp_path)._progress(title, 12.0, "creating")
    assert terminal.render_str(shown).plain == f"{title} 12 s"
