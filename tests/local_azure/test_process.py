"""The life of the server process: nobody else is hurt, and what can be repaired is."""

from __future__ import annotations

import concurrent.futures
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from local_azure import process
from local_azure.errors import LocalAzureError
from local_azure.home import Home
from local_azure.process import Running

if TYPE_CHECKING:
    from conftest import StandIn


def test_starting_twice_gives_the_same_server(home: Home):
    first = process.start(home)
    assert process.start(home) == first
    assert process.status(home) == first


def test_ten_starters_at_once_make_one_server(home: Home):
    home.create()
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        started = set(pool.map(lambda _: process.start(home), range(10)))
    assert len(started) == 1


def test_it_listens_on_the_loopback_interface_alone(home: Home):
    running = process.start(home)
    listening = {
        connection.laddr.ip
        for connection in psutil.Process(running.pid).net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


def test_stopping_ends_the_process_and_says_whether_there_was_one(home: Home):
    running = process.start(home)
    assert process.stop(home)
    assert running.process() is None
    assert process.status(home) is None
    assert not process.stop(home)


def test_the_port_is_kept_over_a_restart(home: Home):
    before = process.start(home).url
    process.stop(home)
    assert process.start(home).url == before


def test_a_taken_port_is_replaced(home: Home):
    before = process.start(home).url
    process.stop(home)
    with socket.create_server(("127.0.0.1", int(before.rsplit(":", 1)[1]))):
        assert process.start(home).url != before


def test_a_nonsensical_port_file_is_ignored(home: Home):
    home.create()
    for content in ("", "many", "70000", "-1"):
        home.port.write_text(content)
        assert process.start(home).url
        process.stop(home)


def test_a_killed_server_is_replaced(home: Home):
    before = process.start(home)
    os.kill(before.pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(before.pid)] if psutil.pid_exists(before.pid) else [], 5)
    assert process.status(home) is None
    after = process.start(home)
    assert after.pid != before.pid
    assert after.url == before.url


def test_a_stale_pid_file_that_names_somebody_else_hurts_nobody(home: Home):
    home.create()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        stale = json.dumps({"pid": bystander.pid, "created": 0, "url": "https://127.0.0.1:1"})
        home.running.write_text(stale)
        home.server_lock.write_text(stale)
        assert process.status(home) is None
        assert not process.stop(home)
        assert bystander.poll() is None
        bystander.communicate(b"\n")


def test_a_pid_file_with_nonsense_is_ignored(home: Home):
    home.create()
    for content in ("", "{", "[]", '{"pid": "x"}', '{"pid": 1, "created": 1}'):
        home.running.write_text(content)
        assert process.status(home) is None


def test_a_damaged_database_is_one_line_with_the_remedy(home: Home):
    home.create()
    home.database.write_bytes(b"this is no database" * 100)
    with pytest.raises(LocalAzureError) as failed:
        process.start(home)
    assert "is damaged" in str(failed.value)
    assert "python -m local_azure reset" in str(failed.value)
    assert "\n" not in str(failed.value)


def test_a_second_server_on_one_folder_is_refused(home: Home):
    process.start(home)
    second = subprocess.run(
        [sys.executable, "-m", "local_azure", "serve"],
        env={**os.environ, "LOCAL_AZURE_DIR": str(home.root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert second.stderr.startswith("error: a stand-in already runs on")
    assert "Traceback" not in second.stderr


def test_two_folders_have_two_servers_that_do_not_know_each_other(stand_in: StandIn, home: Home):
    other = process.start(home)
    assert other.url != stand_in.url
    with stand_in.http() as client, pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED"):
        client.get(f"{other.url}/health")
    process.stop(home)
    assert process.status(stand_in.home)


def test_what_was_created_is_there_after_a_kill(home: Home, at: type[StandIn]):
    running = process.start(home)
    path = f"{at(home, running.url).scope}/resourceGroups/kept?api-version=2024-03-01"
    with at(home, running.url).http() as client:
        assert client.put(path, json={"location": "westeurope"}).status_code == 201
    os.kill(running.pid, signal.SIGKILL)
    again = process.start(home)
    with at(home, again.url).http() as client:
        assert client.get(path).json()["name"] == "kept"


def test_a_token_survives_a_restart(home: Home, at: type[StandIn]):
    token = at(home, process.start(home).url).token()
    process.stop(home)
    again = at(home, process.start(home).url)
    with again.http(headers={"Authorization": f"Bearer {token}"}) as client:
        assert client.get("/subscriptions?api-version=2022-12-01").status_code == 200


def test_an_idle_client_does_not_delay_the_end(home: Home, at: type[StandIn]):
    running = at(home, process.start(home).url)
    with running.http() as client:
        assert client.get("/health").status_code == 200
        began = time.monotonic()
        process.stop(home)
        assert time.monotonic() - began < 5


def test_a_large_log_is_put_aside(home: Home):
    home.create()
    with home.log.open("wb") as log:
        log.truncate(process.MAX_LOG + 1)
    process.start(home)
    assert home.log.stat().st_size < 10_000


def test_a_process_is_told_from_a_later_one_with_its_pid():
    here = Running.here()
    assert here.process() is not None
    assert Running(here.pid, here.created - 3600, "").process() is None


def test_who_asks_for_the_holder_does_not_keep_a_server_from_starting(tmp_path: Path):
    home = Home(tmp_path)
    home.create()
    with home.server_lock.open("a+") as asking:
        fcntl.flock(asking, fcntl.LOCK_EX)
        answered = threading.Timer(0.2, fcntl.flock, (asking, fcntl.LOCK_UN))
        answered.start()
        with process.server_lock(home):
            holder = Running.read(home.server_lock)
        answered.join()
    assert holder is not None
    assert holder.pid == os.getpid()
