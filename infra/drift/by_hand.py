"""What somebody set on a Kubernetes object and nothing declares: an update leaves it as it is.

The API server keeps for each field who set it. Only the specification is looked at: the rest of an
object is written by Kubernetes' own controllers and by Azure's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from infra.disclosure.mask import Mask
from infra.drift import comparison, false_drift
from infra.drift.finding import Finding, Kind, Question
from infra.preview import paths
from infra.preview.paths import MISSING, Difference, Path, pattern
from infra.preview.plan import Plan
from infra.preview.untold import SECRET, UNKNOWN

OWN = "pulumi-kubernetes"
"""How the names of who sets what Pulumi declares begin."""

_RESTARTED = "kubectl.kubernetes.io/restartedAt"
"""What `kubectl rollout restart` leaves: nothing runs in another way for it."""

_POD = "spec.template.spec"
_DEFAULTS: Mapping[str, Any] = {
    "spec.allocateLoadBalancerNodePorts": True,
    "spec.externalTrafficPolicy": "Cluster",
    "spec.internalTrafficPolicy": "Cluster",
    "spec.ipFamilyPolicy": "SingleStack",
    "spec.sessionAffinity": "None",
    f"{_POD}.dnsPolicy": "ClusterFirst",
    f"{_POD}.restartPolicy": "Always",
    f"{_POD}.schedulerName": "default-scheduler",
    f"{_POD}.containers[*].terminationMessagePath": "/dev/termination-log",
    f"{_POD}.containers[*].terminationMessagePolicy": "File",
}
"""What the API server writes where nothing is said ("Kubernetes API", v1.36), also where somebody
said something and took it back."""

LEFT = "{who} set it and nothing declares it: an update leaves it as it is"


def find(program: Plan, answers: Mapping[str, Mapping[str, Any]], mask: Mask) -> Iterator[Finding]:
    """Yield each field that somebody else set and the program does not declare.

    Args:
        program: The preview of the program, with what does not change, too.
        answers: By URN, the objects as the cluster has them.
        mask: What may not be shown.
    """
    for step in program.steps:
        live = answers.get(step.urn)
        if live is None or step.new is None or not step.type.startswith("kubernetes:"):
            continue
        declared = step.new.inputs
        told: set[Path] = set()
        for who, fields in _others(live):
            spec = (live.get("spec", MISSING), declared.get("spec", MISSING))
            for path, value in _undeclared(fields, *spec, ("spec",)):
                one = Difference(path, MISSING, value)
                usual = _RESTARTED in path or _DEFAULTS.get(pattern(path)) == value
                if path in told or usual or not false_drift.without(step.type, [one]):
                    continue
                told.add(path)
                found = comparison.of_property(step, Question.CLOUD, declared, one, mask)
                yield replace(
                    found,
                    kind=Kind.UNEXPECTED,
                    reason=found.reason or LEFT.format(who=mask.text(who)),
                    undeclared=True,
                    default=pointer(path),
                )


def pointer(path: Path) -> str:
    """A path as JSON Pointer (RFC 6901), which `kubectl patch --type=json` takes."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)


def _others(live: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Who beside Pulumi set something of the specification, and what.

    What a controller sets by an interface of its own, as the autoscaler sets how many pods there
    are, is not asked for.
    """
    for entry in paths.at(live, ("metadata", "managedFields")) or ():
        who = str(entry.get("manager"))
        fields = paths.at(entry, ("fieldsV1", "f:spec"))
        if isinstance(fields, Mapping) and not entry.get("subresource") and OWN not in who:
            yield who, fields


def _undeclared(
    fields: Mapping[str, Any], live: Any, declared: Any, path: Path
) -> Iterator[tuple[Path, Any]]:
    """The uppermost of these fields that are there and not declared."""
    if declared is SECRET or declared is UNKNOWN:
        return
    for key, inner in fields.items():
        kind, _, name = key.partition(":")
        if kind == "f":
            step, actual, wanted = name, paths.at(live, (name,)), paths.at(declared, (name,))
        elif kind == "k":
            step, actual = _element(live, json.loads(name))
            _, wanted = _element(declared, json.loads(name))
        else:
            continue
        if actual is MISSING:
            continue
        if wanted is MISSING:
            yield (*path, step), actual
        elif inner:
            yield from _undeclared(inner, actual, wanted, (*path, step))


def _element(elements: Any, keys: Mapping[str, Any]) -> tuple[int, Any]:
    """The element of a list that has these properties, and where it is."""
    for index, each in enumerate(elements if isinstance(elements, list) else ()):
        if isinstance(each, Mapping) and all(each.get(k) == v for k, v in keys.items()):
            return index, each
    return 0, MISSING
