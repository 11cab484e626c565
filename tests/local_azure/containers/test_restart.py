"""The stand-in ends, politely or not, and its groups come back, once."""

from __future__ import annotations

from typing import Any

import psutil
import pytest

from local_azure import process


@pytest.fixture
def running(groups: Any, asked: Any) -> tuple[Any, int, int]:
    """A group, its process and that one's child."""
    group = groups.put(groups.body())
    return group, asked(group, "/process")["pid"], asked(group, "/child")["pid"]


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_stopped_stand_in_leaves_nothing_and_a_started_one_runs_the_group_again(
    stand_in: Any, running: Any, groups: Any, asked: Any
):
    group, first, child = running
    process.stop(stand_in.home)
    assert not alive(first)
    assert not alive(child)
    process.start(stand_in.home)
    again = groups.get(group.name)
    assert again.provisioning_state == "Succeeded"
    assert again.ip_address.ip == group.ip_address.ip
    assert asked(again, "/process")["pid"] != first


def test_a_killed_stand_in_does_not_leave_its_processes_behind_or_double_them(
    stand_in: Any, running: Any, groups: Any, asked: Any, eventually: Any
):
    group, first, child = running
    holder = process.status(stand_in.home)
    assert holder is not None
    psutil.Process(holder.pid).kill()
    eventually(lambda: not alive(first))
    process.start(stand_in.home)
    assert not alive(child)
    again = groups.get(group.name)
    assert again.ip_address.ip == group.ip_address.ip
    assert asked(again, "/process")["pid"] != first


def test_a_stopped_group_stays_stopped(stand_in: Any, running: Any, groups: Any):
    group, *_ = running
    groups.client.container_groups.stop(groups.resource_group, group.name)
    process.stop(stand_in.home)
    process.start(stand_in.home)
    assert groups.get(group.name).instance_view.state == "Stopped"
