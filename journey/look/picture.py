"""A stack's resources as a picture: each to the right of what it depends on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

GROUP = "azure-native:resources:ResourceGroup"
PREFIXES = ("azure-native:", "kubernetes:")
WIDTH, HEIGHT = 248, 52
"""Of a box, in the picture's units."""

GAP_X, GAP_Y, MARGIN = 60, 18, 16


@dataclass(frozen=True)
class Box:
    """A resource.

    Attributes:
        name: Its name in the program.
        kind: Its type without the provider.
        id: Its last part of the ARM id: its name in Azure.
        x: Of its left upper corner.
        y: The same.
    """

    name: str
    kind: str
    id: str
    x: int
    y: int


@dataclass(frozen=True)
class Picture:
    """Boxes and lines, as large as they need.

    Attributes:
        group: The resource group's name in Azure, or empty.
        boxes: All other resources.
        lines: From what is depended on to what depends on it: a curve's path in SVG each.
        width: Of the whole.
        height: The same.
    """

    group: str
    boxes: tuple[Box, ...]
    lines: tuple[str, ...]
    width: int
    height: int


def draw(resources: Iterable[Mapping[str, Any]]) -> Picture:
    """The picture of a deployment's resources, as Pulumi's state lists them."""
    resources = list(resources)
    own = [one for one in resources if str(one.get("type", "")).startswith(PREFIXES)]
    group = next((_last(one.get("id")) for one in own if one["type"] == GROUP), "")
    shown = {str(one["urn"]): one for one in own if one["type"] != GROUP}
    # What is the first on a cluster depends on it by its provider alone.
    given = {str(one["urn"]): one.get("dependencies") for one in resources}
    needs = {
        urn: [str(each) for each in one.get("dependencies") or () if each in shown]
        or [
            str(each)
            for each in given.get(str(one.get("provider")).rpartition("::")[0]) or ()
            if each in shown
        ]
        for urn, one in shown.items()
    }
    columns: dict[int, list[str]] = {}
    for urn in shown:
        columns.setdefault(_depth(urn, needs), []).append(urn)
    tallest = max(map(len, columns.values()), default=0)
    boxes: dict[str, Box] = {}
    for column, urns in sorted(columns.items()):
        urns.sort(key=lambda urn: (_middle(needs[urn], boxes), shown[urn]["type"], urn))
        down = (tallest - len(urns)) * (HEIGHT + GAP_Y) // 2
        for row, urn in enumerate(urns):
            one = shown[urn]
            boxes[urn] = Box(
                urn.rsplit("::", 1)[-1],
                str(one["type"]).partition(":")[2],
                _last(one.get("id")),
                MARGIN + column * (WIDTH + GAP_X),
                MARGIN + down + row * (HEIGHT + GAP_Y),
            )
    lines = [
        _line(boxes[before], boxes[urn]) for urn, befores in needs.items() for before in befores
    ]
    return Picture(
        group,
        tuple(boxes.values()),
        tuple(lines),
        2 * MARGIN + len(columns) * (WIDTH + GAP_X) - GAP_X if columns else 0,
        2 * MARGIN + tallest * (HEIGHT + GAP_Y) - GAP_Y if columns else 0,
    )


def _depth(urn: str, needs: Mapping[str, Sequence[str]]) -> int:
    return max((1 + _depth(before, needs) for before in needs[urn]), default=0)


def _middle(befores: Sequence[str], boxes: Mapping[str, Box]) -> float:
    """The height of what a box depends on: it stands beside it."""
    return sum(boxes[each].y for each in befores) / len(befores) if befores else 0.0


def _line(before: Box, after: Box) -> str:
    x, y = before.x + WIDTH, before.y + HEIGHT // 2
    to_x, to_y = after.x, after.y + HEIGHT // 2
    bend = x + GAP_X // 2 if to_x - x <= GAP_X else to_x - GAP_X // 2
    return f"M{x} {y}C{bend} {y} {bend} {to_y} {to_x} {to_y}"


def _last(identifier: object) -> str:
    return str(identifier or "").rsplit("/", 1)[-1]
