"""Containers that die, hang, eat memory or never get ready, and what Azure's client is told."""

from __future__ import annotations

from typing import Any

import psutil
import pytest
from azure.core.exceptions import HttpResponseError


def mode(name: str) -> dict[str, Any]:
    return {"environmentVariables": [{"name": "MODE", "value": name}]}


def events(view: Any) -> dict[str, str]:
    return {event.name: event.message for event in view.events}


def test_a_container_that_dies_is_started_again(groups: Any, asked: Any, eventually: Any):
    group = groups.put(groups.body())
    before = asked(group, "/process")["pid"]
    with pytest.raises(Exception, match="disconnected"):
        asked(group, "/exit")
    view = eventually(lambda: (v := groups.container(group.name)).restart_count and v)
    assert view.previous_state.state == "Terminated"
    assert view.previous_state.exit_code == 3
    assert "BackOff" in events(view)
    eventually(lambda: groups.container(group.name).current_state.state == "Running")
    eventually(lambda: "starting\nstarting" in _starts(groups.logs(group.name)))
    assert asked(group, "/process")["pid"] != before


def _starts(log: str) -> str:
    return "\n".join(line for line in log.splitlines() if line == "starting")


def test_a_crash_loop_fails_the_put_with_the_log_and_is_told_as_one(groups: Any, eventually: Any):
    with pytest.raises(HttpResponseError) as failed:
        groups.put(groups.body(**mode("crash")), "crashing")
    assert "exit code 3" in str(failed.value)
    assert "the reason why it fails" in str(failed.value)
    assert groups.get("crashing").provisioning_state == "Failed"
    view = eventually(
        lambda: (v := groups.container("crashing")).current_state.state == "Waiting" and v
    )
    assert view.restart_count >= 2
    assert view.current_state.detail_status.startswith("CrashLoopBackOff")
    assert view.previous_state.exit_code == 3
    assert "the reason why it fails" in groups.logs("crashing")
    assert groups.put(groups.body(), "crashing").provisioning_state == "Succeeded"


def test_an_unknown_program_is_a_crash_that_names_it(groups: Any):
    with pytest.raises(HttpResponseError, match="no-such-program") as failed:
        groups.put(groups.body(command=["no-such-program"]))
    assert "exit code 127" in str(failed.value)


@pytest.mark.parametrize("policy", ["Never", "OnFailure"])
def test_a_job_that_succeeds_is_done(groups: Any, policy: str, eventually: Any):
    body = groups.body(**mode("job"))
    del body["properties"]["containers"][0]["properties"]["readinessProbe"]
    body["properties"]["restartPolicy"] = policy
    group = groups.put(body)
    eventually(lambda: groups.get(group.name).instance_view.state == "Succeeded")
    view = groups.container(group.name)
    assert (view.current_state.exit_code, view.restart_count) == (0, 0)
    assert "the work is done" in groups.logs(group.name)


def test_a_job_that_fails_and_must_not_restart_is_shown_as_failed(groups: Any, eventually: Any):
    body = groups.body(**mode("crash"))
    del body["properties"]["containers"][0]["properties"]["readinessProbe"]
    body["properties"]["restartPolicy"] = "Never"
    group = groups.put(body)
    eventually(lambda: groups.get(group.name).instance_view.state == "Failed")
    assert groups.container(group.name).current_state.exit_code == 3
    assert groups.container(group.name).restart_count == 0


def test_a_failing_liveness_probe_restarts_the_container(groups: Any, asked: Any, eventually: Any):
    probe = {
        "httpGet": {"path": "/health", "port": 5001},
        "periodSeconds": 1,
        "timeoutSeconds": 3,
        "failureThreshold": 2,
    }
    group = groups.put(groups.body(livenessProbe=probe))
    before = asked(group, "/process")["pid"]
    asked(group, "/sicken")
    view = eventually(lambda: (v := groups.container(group.name)).restart_count and v)
    assert any("HTTP status 500" in event.message for event in view.events)
    assert "failed liveness probe" in events(view)["Killing"]
    assert "liveness probe failed" in view.previous_state.detail_status
    eventually(lambda: groups.container(group.name).current_state.state == "Running")
    eventually(lambda: _starts(groups.logs(group.name)).count("starting") == 2)
    assert not psutil.pid_exists(before)


def test_an_exec_probe_runs_in_the_container(groups: Any):
    script = "import os, pathlib; assert os.environ['BIND']; pathlib.Path('app.py').read_text()"
    probe = {"exec": {"command": ["python", "-c", script]}, "timeoutSeconds": 10}
    assert groups.put(groups.body(readinessProbe=probe)).provisioning_state == "Succeeded"


def test_a_container_over_its_memory_is_killed(groups: Any, asked: Any, eventually: Any):
    group = groups.put(groups.body())
    with pytest.raises(Exception, match=r"disconnected|reset"):
        asked(group, "/eat")
    view = eventually(lambda: (v := groups.container(group.name)).restart_count and v)
    assert view.previous_state.detail_status == "OOMKilled"
    assert view.previous_state.exit_code == 137
    assert "0.3 GB" in events(view)["OOMKilled"]


def test_two_containers_of_a_group_share_its_address(groups: Any, asked: Any):
    body = groups.body()
    body["properties"]["containers"].append(
        {
            "name": "second",
            "properties": {
                "image": groups.image,
                "ports": [{"port": 5002}],
                "environmentVariables": [{"name": "PORT", "value": "5002"}],
                "resources": {"requests": {"cpu": 1, "memoryInGB": 0.3}},
            },
        }
    )
    group = groups.put(body)
    assert [each.name for each in group.containers] == ["web", "second"]
    assert asked(group, "/environment").get("PORT") is None
    states = {each.instance_view.current_state.state for each in group.containers}
    assert states == {"Running"}
