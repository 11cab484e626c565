"""One stack that is interrupted, killed, configured, stopped, crowded: the tests run in order."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from journey.azure import GROUPS, Azure
from local_azure import process
from local_azure.environment import inside
from local_azure.home import Home
from local_azure.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]
ROOT = Path(__file__).resolve().parents[2]
KEY = "a-key-of-the-test-0123456789"


@contextmanager
def running_up(machine: Any, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A `journey up` that is not waited for."""
    up = subprocess.Popen(
        [sys.executable, "-m", "journey", "up", *arguments],
        cwd=ROOT,
        env={**os.environ, "LOCAL_AZURE_DIR": str(machine.state)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with up:
        yield up


def working_pulumi(up: subprocess.Popen[str]) -> list[psutil.Process]:
    """The `pulumi up` below a journey, once its program runs, and whatever that started."""
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline:
        assert up.poll() is None
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(up.pid).children(recursive=True):
                family = child.children(recursive=True)
                if child.name() == "pulumi" and any(
                    "local_azure.provider" in each.cmdline() for each in family
                ):
                    return [child, *family]
        time.sleep(0.02)
    raise AssertionError("no pulumi began to work")


def alive(family: list[psutil.Process]) -> list[psutil.Process]:
    found = []
    for each in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            if each.status() != psutil.STATUS_ZOMBIE:
                found.append(each)
    return found


def until_ended(family: list[psutil.Process]) -> list[psutil.Process]:
    """Who of a family is left after some seconds."""
    deadline = time.monotonic() + 10
    while alive(family) and time.monotonic() < deadline:
        time.sleep(0.05)
    return alive(family)


def locks(machine: Any) -> list[Path]:
    return list((machine.state / "stacks" / ".pulumi" / "locks").rglob("*.json"))


def config(machine: Any, *words: str) -> None:
    done = machine.inside("pulumi", "config", "set", *words)
    assert done.returncode == 0, done.stderr


def azure(machine: Any) -> Azure:
    home = Home(machine.state)
    outputs = Stack(home, "sklearn-mnist-svc", ROOT).outputs()
    return Azure(inside(home, process.start(home).url, None), outputs)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])
def test_an_interrupted_up_leaves_no_lock_and_no_process(machine: Any, number: signal.Signals):
    with running_up(machine) as up:
        family = working_pulumi(up)
        up.send_signal(number)
        said = up.communicate(timeout=100)[0]
    assert up.returncode == 128 + number
    assert "go on with: make up" in said
    assert until_ended(family) == []
    assert locks(machine) == []


def test_a_killed_pulumi_leaves_no_language_host_and_the_next_up_finishes(machine: Any):
    with running_up(machine) as up:
        family = working_pulumi(up)
        family[0].kill()
        said = up.communicate(timeout=100)[0]
    assert up.returncode == 1
    assert "Nothing is lost" in said
    assert until_ended(family) == []
    config(machine, "azure-native:location", "northeurope")
    config(machine, "--secret", "scoringKey", KEY)
    done = machine.make("up")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_region_that_is_set_stays(machine: Any):
    group = azure(machine)
    found = group._json("GET", f"{group._group()}?api-version={GROUPS}")
    assert found["location"] == "northeurope"
    assert {"environment", "service"} <= set(found["tags"])


def test_the_printed_curl_line_works_and_shows_no_key(machine: Any):
    done = machine.make("up")
    assert KEY not in done.stdout + done.stderr
    line = re.search(r"curl .*", done.stdout)
    assert line
    answer = subprocess.run(
        ["bash", "-c", line[0]],
        cwd=ROOT,
        env={**os.environ, "LOCAL_AZURE_DIR": str(machine.state)},
        capture_output=True,
        text=True,
        check=False,
    )
    (digit,) = json.loads(answer.stdout)
    assert digit in range(10)
    keyless = re.sub(r'-H "Authorization.*\)"', "", line[0])
    refused = subprocess.run(shlex.split(keyless), capture_output=True, text=True, check=False)
    assert "401" in refused.stdout or "key" in refused.stdout.lower()


def test_smoke_sends_the_key(machine: Any):
    done = machine.make("smoke")
    assert done.returncode == 0, done.stdout + done.stderr
    assert KEY not in done.stdout + done.stderr


def test_other_test_data_are_validated_anew_and_stop_below_the_gate(machine: Any, tmp_path: Path):
    rows = np.random.default_rng(1).random((50, 784))
    np.savez(tmp_path / "noise.npz", X=rows, y=np.arange(50) % 10)
    done = machine.make("up", f"ARGS=--data {tmp_path / 'noise.npz'}")
    assert done.returncode != 0
    assert "below the gate" in done.stdout
    assert "egister" not in done.stdout
    assert "Deploy" not in done.stdout
    again = machine.make("up")
    assert again.returncode == 0
    assert "Overall accuracy: 0.9205" in again.stdout


def test_a_stopped_container_group_is_started_and_not_replaced(machine: Any):
    group = azure(machine)
    group._json("POST", f"{group._group()}/stop?api-version={GROUPS}")
    assert group.group_state() == "Stopped"
    done = machine.make("up")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Start the container group, which is stopped" in done.stdout
    assert "pulumi: 14 unchanged" in done.stdout
    assert group.group_state() == "Running"


def test_two_at_the_same_moment_take_turns(machine: Any):
    with running_up(machine) as one, running_up(machine) as other:
        said = [each.communicate(timeout=300)[0] for each in (one, other)]
    assert [one.returncode, other.returncode] == [0, 0], said
    assert sum("Waiting for another command" in each for each in said) == 1


def test_smoke_remembers_what_was_deployed_and_names_what_is_gone(machine: Any):
    note = machine.state / "journey.json"
    kept = json.loads(note.read_text())
    note.write_text(json.dumps({**kept, "data": "/absent/test.csv"}))
    done = machine.make("smoke")
    assert done.returncode != 0
    assert "there is no test data at /absent/test.csv; name it with --data FILE" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_down_ends_what_a_killed_journey_left(machine: Any):
    config(machine, "description", "Another description")
    with running_up(machine) as up:
        family = working_pulumi(up)
        up.kill()
        family[0].kill()
        up.wait(10)
    assert alive(family)
    done = machine.make("down")
    assert done.returncode == 0, done.stdout + done.stderr
    assert alive(family) == []
    assert not machine.state.exists()
