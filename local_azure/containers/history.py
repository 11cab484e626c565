"""What Azure tells of a container's life: its state, the one before, and its events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from local_azure import clock
from local_azure.arm.service import Body

_EVENTS_KEPT = 50


@dataclass
class History:
    """The source of a container's `instanceView`.

    Attributes:
        restarts: How often it was started again.
        state: The current state.
        previous: The state before the last restart.
    """

    restarts: int = 0
    state: Body = field(default_factory=lambda: {"state": "Waiting", "detailStatus": ""})
    previous: Body | None = None
    _events: list[Body] = field(default_factory=list)

    def running(self) -> None:
        """A process was started."""
        self.state = {"state": "Running", "startTime": clock.now(), "detailStatus": ""}
        self.event("Started", "Started container")

    def terminated(self, code: int, detail: str) -> None:
        """It ended."""
        self.state = {
            "state": "Terminated",
            "startTime": self.state.get("startTime", clock.now()),
            "exitCode": code,
            "finishTime": clock.now(),
            "detailStatus": detail,
        }

    def waiting(self, detail: str) -> None:
        """It will be started again."""
        self.previous = self.state
        self.state = {"state": "Waiting", "detailStatus": detail}

    def event(self, name: str, message: str, *, warning: bool = False) -> None:
        """Something happened; the same thing again is counted."""
        when = clock.now()
        for event in self._events:
            if (event["name"], event["message"]) == (name, message):
                event.update(count=event["count"] + 1, lastTimestamp=when)
                self._events.remove(event)
                self._events.append(event)
                return
        self._events.append(
            {
                "count": 1,
                "firstTimestamp": when,
                "lastTimestamp": when,
                "name": name,
                "message": message,
                "type": "Warning" if warning else "Normal",
            }
        )
        del self._events[:-_EVENTS_KEPT]

    def view(self) -> Body:
        """The `instanceView`."""
        shown: dict[str, Any] = {
            "restartCount": self.restarts,
            "currentState": dict(self.state),
            "events": [dict(event) for event in self._events],
        }
        if self.previous is not None:
            shown["previousState"] = dict(self.previous)
        return shown
