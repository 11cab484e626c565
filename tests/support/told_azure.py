"""Azure from a table: the real client's lists, pages and questions, without a network."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from infra import azure_facts
from infra.arm.client import Arm
from infra.preflight.planned import Configured, Planned
from infra.preview.plan import Op, State, Step

CALLER = "00000000-0000-0000-0000-0000000000cc"
SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-00000000da7a"
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg"
PROJECT = "sklearn-mnist-svc"


def planned(*steps: Step, **config: str) -> Planned:
    """What an update of one resource group does, as the preflight reads it."""
    urn = "urn:rg"
    group = State({"resourceGroupName": "rg", "location": "westeurope"})
    every = (Step(Op.SAME, urn, azure_facts.RESOURCE_GROUP, group, group), *steps)
    values = {f"{PROJECT}:{key}": value for key, value in config.items()}
    found = {each.type: each for each in every}
    return Planned(Configured("dev", values, PROJECT), SUBSCRIPTION, found)


class Told(Arm):
    """Answers by path, keeps what was asked; an answer that is an exception is raised.

    Attributes:
        answers: By path; what is not among them is not there.
        asked: Each path with its query, and what was sent along.
    """

    def __init__(self, **answers: Any) -> None:
        self._endpoint = "https://arm.test"
        self.answers: dict[str, Any] = dict(answers)
        self.asked: list[tuple[str, dict[str, str], Any]] = []

    def __exit__(self, *_: object) -> None:
        """There is nothing to close."""

    def lists(self, path: str, *found: dict[str, Any]) -> None:
        """Answer a list."""
        self.answers[path] = {"value": list(found)}

    def caller(self) -> str:
        """Somebody."""
        return CALLER

    def _read(
        self, url: str, absent: frozenset[str] = frozenset(), question: Any = None
    ) -> dict[str, Any] | None:
        place = urlsplit(url)
        self.asked.append((place.path, dict(parse_qsl(place.query)), question))
        answer = self.answers.get(place.path)
        if isinstance(answer, Exception):
            raise answer
        return answer
