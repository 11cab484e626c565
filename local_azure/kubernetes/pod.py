"""One pod: its containers as supervised processes, its status as Kubernetes tells it."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from local_azure import clock
from local_azure.containers.container import Container, Timing
from local_azure.kubernetes import planner, pod_rules, service_links
from local_azure.kubernetes.api import Api, Object

LOG = logging.getLogger(__name__)

_REPORT_SECONDS = 5.0
_DEFAULT_GRACE = 30
_LAST_LINES, _LAST_CHARACTERS = 80, 2048
"""What Kubernetes takes of a log for the message of a failed container."""

_ENDS_KEPT = 8
_STATES = {"Running": "running", "Waiting": "waiting", "Terminated": "terminated"}


@dataclass
class Pod:
    """A pod that the node was told to run.

    Attributes:
        body: As the API server has it.
        ip: Its address.
        api: The node's client.
        outside: The socket where the stand-in answers.
        folder: For its logs and scratch files.
    """

    body: Object
    ip: str
    api: Api
    outside: str
    folder: Path
    containers: list[Container] = field(default_factory=list, init=False)
    ending: bool = field(default=False, init=False)
    _digests: dict[str, str] = field(default_factory=dict, init=False)
    _began: str = field(default_factory=clock.now, init=False)
    _told: str = field(default="", init=False)
    _since: dict[str, tuple[bool, str]] = field(default_factory=dict, init=False)
    _events: dict[tuple[str, str], int] = field(default_factory=dict, init=False)
    _last_words: dict[tuple[str, str], str] = field(default_factory=dict, init=False)

    @property
    def namespace(self) -> str:
        """The namespace."""
        return self.body["metadata"]["namespace"]

    @property
    def name(self) -> str:
        """The name."""
        return self.body["metadata"]["name"]

    @property
    def uid(self) -> str:
        """What tells it from an earlier pod of the name."""
        return self.body["metadata"]["uid"]

    @property
    def path(self) -> str:
        """Where the API server has it."""
        return f"/api/v1/namespaces/{self.namespace}/pods/{self.name}"

    async def run(self) -> None:
        """Start the containers and report until the pod ends."""
        while not self.ending:
            try:
                await self._start()
                break
            except planner.CannotStartError as error:
                await self._report_waiting(error)
            except httpx.HTTPError as error:
                LOG.warning("pod %s: %r", self.name, error)
            await asyncio.sleep(_REPORT_SECONDS)
        while not self.ending:
            waits = [asyncio.create_task(each.change()) for each in self.containers]
            try:
                await self._report()
            except httpx.HTTPError as error:
                LOG.warning("pod %s: %r", self.name, error)
            await asyncio.wait(waits, timeout=_REPORT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            for each in waits:
                each.cancel()

    async def end(self) -> None:
        """preStop, SIGTERM, the grace period, SIGKILL; then the API server may forget it."""
        self.ending = True
        grace = self.body["metadata"].get("deletionGracePeriodSeconds", _DEFAULT_GRACE)
        await asyncio.gather(*(self._end(each, grace) for each in self.containers))
        await self.api.delete(self.path, self.uid)

    async def _end(self, container: Container, grace: float) -> None:
        spec = self._spec(container)
        sleep = ((spec.get("lifecycle") or {}).get("preStop") or {}).get("sleep") or {}
        pause = min(float(sleep.get("seconds") or 0), grace)
        if pause and not container.over:
            await asyncio.sleep(pause)
        await container.stop(max(grace - pause, 1.0) if grace else 0.0)

    async def _start(self) -> None:
        spec = self.body["spec"]
        if refused := list(pod_rules.refusals(spec)):
            raise planner.CannotStartError("CreateContainerConfigError", "; ".join(refused))
        scratch = self.folder / "scratch"
        scratch.mkdir(parents=True, exist_ok=True)
        declined = not spec.get("enableServiceLinks", True)
        links = await service_links.given(self.api, self.namespace, declined=declined)
        made = []
        for each in spec["containers"]:
            environment = {**links, **await self._environment(each)}
            plan, digest = await planner.plan(
                each, spec, environment, self.ip, scratch, self.outside
            )
            self._digests[each["name"]] = digest
            made.append(Container(plan, self.folder, Timing(grace=_DEFAULT_GRACE)))
        self.containers = made
        for container in made:
            container.start()

    async def _environment(self, container: Object) -> dict[str, str]:
        return {each["name"]: await self._value(each) for each in container.get("env") or []}

    async def _value(self, variable: Object) -> str:
        reference = (variable.get("valueFrom") or {}).get("secretKeyRef")
        if reference is None:
            return variable.get("value", "")
        name, key = reference["name"], reference["key"]
        secret = await self.api.get(f"/api/v1/namespaces/{self.namespace}/secrets/{name}")
        data = (secret or {}).get("data") or {}
        if key not in data:
            raise planner.CannotStartError(
                "CreateContainerConfigError", f"secret '{name}' has no key '{key}'"
            )
        return base64.b64decode(data[key]).decode()

    def _statuses(self) -> Iterator[Object]:
        for each in self.containers:
            view = each.history.view()
            status = {
                "name": each.plan.name,
                "image": each.plan.image,
                "imageID": self._digests[each.plan.name],
                "containerID": f"process://{self.uid}/{each.plan.name}",
                "ready": each.ready,
                "started": each.started,
                "restartCount": view["restartCount"],
                "state": self._state(each, view["currentState"]),
            }
            if "previousState" in view:
                status["lastState"] = self._state(each, view["previousState"])
            yield status

    def _state(self, container: Container, state: Mapping[str, Any]) -> Object:
        """A state in Kubernetes' words, with a failed container's own last ones if they are wanted.

        They are read when the end is first told: later lines are of the next try.
        """
        told = _state(state)
        ended = told.get("terminated")
        policy = self._spec(container).get("terminationMessagePolicy")
        if ended and ended["exitCode"] and policy == "FallbackToLogsOnError":
            key = (container.plan.name, state["finishTime"])
            if key not in self._last_words:
                self._last_words[key] = container.log.tail(_LAST_LINES)[-_LAST_CHARACTERS:]
                for old in list(self._last_words)[:-_ENDS_KEPT]:
                    del self._last_words[old]
            ended["message"] = self._last_words[key] or ended["message"]
        return told

    def _spec(self, container: Container) -> Object:
        named = {each["name"]: each for each in self.body["spec"]["containers"]}
        return named[container.plan.name]

    async def _report(self) -> None:
        ready = all(each.ready for each in self.containers)
        phase = "Running"
        if all(each.over for each in self.containers):
            codes = [each.history.state.get("exitCode", 0) for each in self.containers]
            phase = "Failed" if any(codes) else "Succeeded"
        conditions = {
            "PodReadyToStartContainers": True,
            "Initialized": True,
            "ContainersReady": ready,
            "Ready": ready,
            "PodScheduled": True,
        }
        address = {"podIP": self.ip, "podIPs": [{"ip": self.ip}]}
        await self._tell(phase, list(self._statuses()), conditions, address)
        for container in self.containers:
            for event in container.history.view()["events"]:
                await self._event(event["type"], event["name"], event["message"], event["count"])

    async def _report_waiting(self, error: planner.CannotStartError) -> None:
        waiting = {"waiting": {"reason": error.reason, "message": str(error)}}
        statuses = [
            {
                "name": each["name"],
                "image": each["image"],
                "imageID": "",
                "ready": False,
                "started": False,
                "restartCount": 0,
                "state": waiting,
            }
            for each in self.body["spec"]["containers"]
        ]
        await self._tell("Pending", statuses, {"ContainersReady": False, "Ready": False}, {})
        await self._event("Warning", "Failed", str(error), 1)

    async def _tell(
        self,
        phase: str,
        statuses: list[Object],
        conditions: Mapping[str, bool],
        address: Object,
    ) -> None:
        status = {
            "phase": phase,
            **address,
            "hostIP": "127.0.0.1",
            "startTime": self._began,
            "containerStatuses": statuses,
            "conditions": [self._condition(*each) for each in conditions.items()],
        }
        text = json.dumps(status)
        if text != self._told:
            body = {"metadata": {"uid": self.uid}, "status": status}
            await self.api.patch(f"{self.path}/status", body)
            self._told = text

    def _condition(self, name: str, value: bool) -> Object:
        before = self._since.get(name)
        if before is None or before[0] != value:
            self._since[name] = (value, clock.now())
        return {
            "type": name,
            "status": "True" if value else "False",
            "lastTransitionTime": self._since[name][1],
        }

    async def _event(self, kind: str, reason: str, message: str, count: int) -> None:
        key = (reason, message)
        if self._events.get(key, 0) >= count:
            return
        name = f"{self.name[:40]}.{abs(hash((self.uid, *key))):x}"
        path = f"/api/v1/namespaces/{self.namespace}/events"
        if key in self._events:
            await self.api.patch(f"{path}/{name}", {"count": count, "lastTimestamp": clock.now()})
        else:
            body = {
                "metadata": {"name": name},
                "type": kind,
                "reason": reason,
                "message": message[:1024],
                "count": count,
                "firstTimestamp": clock.now(),
                "lastTimestamp": clock.now(),
                "source": {"component": "kubelet", "host": self.body["spec"]["nodeName"]},
                "involvedObject": {
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "name": self.name,
                    "namespace": self.namespace,
                    "uid": self.uid,
                },
            }
            await self.api.create(path, body)
        self._events[key] = count


def _state(state: Mapping[str, Any]) -> Object:
    """A container's state in Kubernetes' words."""
    kind = _STATES[state["state"]]
    detail = str(state.get("detailStatus") or "")
    if kind == "running":
        return {kind: {"startedAt": state["startTime"]}}
    if kind == "waiting":
        reason, _, message = detail.partition(": ")
        return {kind: {"reason": reason or "ContainerCreating", "message": message}}
    return {
        kind: {
            "exitCode": int(state["exitCode"]),
            "reason": detail.partition(":")[0] if detail in ("OOMKilled", "Completed") else "Error",
            "message": detail,
            "startedAt": state["startTime"],
            "finishedAt": state["finishTime"],
        }
    }
