"""How to bring a stack back: the least that does it, safe choices first. Nothing is run."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infra import azure_facts
from infra.drift import strays
from infra.drift.finding import Finding, Kind, Question
from infra.drift.stack import Resource, Stack
from infra.preview import importing

NOTHING = "# nothing to repair"
_RESTARTS = "INTERRUPTS the endpoint: its containers restart"


@dataclass(frozen=True)
class Repair:
    """One thing that can be done.

    Attributes:
        why: What it is for, in words.
        command: What to type; empty for what is done by hand.
        harm: What it deletes, replaces or interrupts, and that word first; empty for nothing.
    """

    why: str
    command: str = ""
    harm: str = ""

    @property
    def chosen(self) -> bool:
        """Whether somebody has to choose it: it is in no block that is pasted as a whole."""
        return self.harm.startswith(("DELETES", "REPLACES"))

    @property
    def line(self) -> str:
        """One line for a shell: what has to be chosen, or done by hand, is a comment."""
        if not self.command:
            line = f"# {self.why}"
        elif self.chosen:
            line = f"# {self.harm}: {self.command}"
        else:
            line = f"{self.command}  # {self.harm}" if self.harm else self.command
        # A second line would be no comment any more.
        return " ".join(line.splitlines())


def script(repairs: Sequence[Repair]) -> str:
    """All of it for a shell; run as a whole it deletes and replaces nothing."""
    return "\n".join(one.line for one in repairs) or NOTHING


def of(stack: Stack, findings: Sequence[Finding]) -> tuple[Repair, ...]:
    """What to do, in this order; nothing if nothing is to be repaired.

    What exists is taken into the state before anything is updated, for an update would fail at it.
    """
    found = (
        *_imports(stack, findings),
        *_set_back(stack, findings),
        *_taken_off(stack, findings),
        *_updates(stack, [one for one in findings if not one.undeclared]),
        *_strays(findings),
    )
    signed_in = any(one.command.startswith("kubectl ") for one in found)
    return (*_kubectl(stack), *found) if signed_in else found


def _imports(stack: Stack, findings: Sequence[Finding]) -> Iterator[Repair]:
    for one in findings:
        if one.kind is not Kind.UNRECORDED:
            continue
        why = f"take {one.resource} into the state; nothing happens to it"
        if not one.id:
            yield Repair(f"{why}: pulumi import {one.type} {one.resource}; its id is hidden here")
            continue
        taken = importing.command(
            one.type, one.resource, one.id, stack.name, parent=one.parent, protected=one.protected
        )
        yield Repair(why, taken)
        if one.type == azure_facts.CONTAINER_GROUP:
            yield Repair(
                "write its secure values, which Azure never returns, into the state",
                _up(stack, one.urn),
                _RESTARTS,
            )


def _set_back(stack: Stack, findings: Sequence[Finding]) -> Iterator[Repair]:
    """What nothing declares: an update may leave it, so it is set by Azure's own name."""
    own = {each.urn: each for each in stack.resources}
    groups: dict[str, list[str]] = {}
    for one in findings:
        resource = own.get(one.urn)
        if not one.undeclared or resource is None:
            continue
        if resource.type == azure_facts.CONTAINER_GROUP:
            # A group forgets what an update leaves out; set alone, it would lose its secret values.
            yield Repair(f"set {one.path} of {one.resource} back", _up(stack, one.urn), _RESTARTS)
        elif one.default and resource.api_version:
            settings = groups.setdefault(one.urn, [])
            settings += [one.default] * (one.default not in settings)
        else:
            yield Repair(f"set {one.path} of {one.resource} back by hand, or declare it")
    for urn, settings in groups.items():
        resource = own[urn]
        words = ["az", "resource", "update", "--ids", resource.id]
        words += ["--api-version", resource.api_version, "--set", *settings]
        yield Repair(
            f"set what nothing declares of {resource.name} to Azure's default; or declare it: an"
            " update leaves it as it is",
            shlex.join(words),
        )


def _taken_off(stack: Stack, findings: Sequence[Finding]) -> Iterator[Repair]:
    """What somebody set on an object and nothing declares: no update takes it off."""
    for each in stack.objects:
        # From the last element of a list to the first: the others keep their places.
        found = [one.default for one in findings if one.undeclared and one.urn == each.urn]
        patch = [{"op": "remove", "path": path} for path in sorted(found, key=_place, reverse=True)]
        if patch:
            words = ["kubectl", "patch", _object(each), *_in(each).split()]
            words += ["--type=json", f"--patch={json.dumps(patch)}"]
            yield Repair(
                f"take off {each.name} what somebody set and nothing declares; or declare it",
                shlex.join(words),
            )


def _place(pointer: str) -> list[tuple[bool, int, str]]:
    steps = pointer.split("/")
    return [(each.isdigit(), int(each) if each.isdigit() else 0, each) for each in steps]


def _kubectl(stack: Stack) -> Iterator[Repair]:
    """How kubectl is signed in to a cluster of the stack's own."""
    for each in stack.resources:
        if each.type == azure_facts.MANAGED_CLUSTER:
            _, _, _, _, group, *_, name = each.id.split("/")
            words = ["az", "aks", "get-credentials", "--resource-group", group, "--name", name]
            yield Repair(f"sign kubectl in first: {shlex.join(words)}")


def _object(resource: Resource) -> str:
    """What kubectl calls it, such as `deployment/NAME`."""
    kind = resource.type.rpartition(":")[2].lower()
    return f"{kind}/{resource.id.rpartition('/')[2]}"


def _in(resource: Resource) -> str:
    namespace = resource.id.rpartition("/")[0]
    return f"--namespace {shlex.quote(namespace)}" if namespace else ""


def _updates(stack: Stack, findings: Sequence[Finding]) -> Iterator[Repair]:
    """An update of each resource alone: another one's accepted difference is left alone."""
    by_urn: dict[str, list[Finding]] = {}
    for one in findings:
        if one.urn and one.question in {Question.CLOUD, Question.PROGRAM}:
            by_urn.setdefault(one.urn, []).append(one)
    wrong = [one for one in findings if one.question is Question.ENDPOINT]
    group, deployment = stack.scoring_group, stack.deployment
    if group and group.urn not in by_urn:
        yield from _endpoint(stack, group.id, group.urn, wrong)
    if wrong and deployment and deployment.urn not in by_urn:
        yield Repair(f"see why: kubectl describe pods {_in(deployment)}")
        command = ["kubectl", "rollout", "restart", _object(deployment), _in(deployment)]
        yield Repair("replace the pods, one after another", " ".join(command))
    kept: list[str] = []
    for urn, own in by_urn.items():
        harm = _harm(own)
        if own[0].soft_deleted:
            yield from _recovered(stack, own[0])
        elif harm.startswith("DELETES"):
            yield from _removed(stack, own[0])
        elif harm:
            yield Repair(f"update {own[0].resource}", _up(stack, urn), harm)
        else:
            kept.append(urn)
    if kept:
        yield Repair("update what is not as declared", _up(stack, *kept))


def _harm(own: Sequence[Finding]) -> str:
    """What an update of one resource does to what is there."""
    first = own[0]
    if any(one.question is Question.PROGRAM and one.kind is Kind.UNEXPECTED and not one.path
           for one in own):  # fmt: skip
        return f"DELETES {first.resource}"
    if any(one.question is Question.CLOUD and not one.path for one in own):
        return ""  # it is gone: what is made harms nothing
    endpoint = first.type == azure_facts.CONTAINER_GROUP
    if any(one.replaces for one in own):
        return f"REPLACES {first.resource}" + (": no endpoint meanwhile" if endpoint else "")
    if endpoint and any(one.path for one in own):
        return _RESTARTS
    return ""


def _recovered(stack: Stack, one: Finding) -> Iterator[Repair]:
    """A deleted resource holds its name: another one cannot be made, nor is what it held in it."""
    name = next(each.id for each in stack.resources if each.urn == one.urn).rpartition("/")[2]
    why = f"bring {one.resource} back; the state still knows it"
    if one.type == azure_facts.VAULT:
        yield Repair(why, shlex.join(["az", "keyvault", "recover", "--name", name]))
    else:
        yield Repair(f"{why}: in the portal, Azure Machine Learning, Recently deleted: {name}")
    yield Repair(f"if it was purged, make it anew, without what was in it: {_up(stack, one.urn)}")


def _removed(stack: Stack, one: Finding) -> Iterator[Repair]:
    """The state has it and the program does not declare it."""
    yield Repair(f"{one.resource} is deployed and not declared: declare it again, to keep it")
    yield Repair(
        f"or let the state forget {one.resource}; Azure keeps it",
        shlex.join(["pulumi", "state", "delete", one.urn, "--stack", stack.name]),
        f"DELETES {one.resource} from the state alone",
    )
    yield Repair(f"or delete {one.resource}", _up(stack, one.urn), f"DELETES {one.resource}")


def _endpoint(stack: Stack, group_id: str, urn: str, wrong: Sequence[Finding]) -> Iterator[Repair]:
    """The endpoint is wrong although its container group is as declared."""
    if not wrong:
        return
    if any(one.path == "state" for one in wrong):
        yield Repair("start the container group", _container("start", group_id))
    else:
        yield Repair("restart the container group", _container("restart", group_id), _RESTARTS)
    words = ["pulumi", "up", "--refresh", "--target", urn, "--replace", urn]
    yield Repair(
        "if that does not help, make it anew",
        shlex.join([*words, "--stack", stack.name]),
        "REPLACES the container group: no endpoint meanwhile",
    )


def _container(verb: str, group_id: str) -> str:
    """Azure's CLI takes no `--ids` for it."""
    _, _, subscription, _, group, *_, name = group_id.split("/")
    words = ["az", "container", verb, "--name", name, "--resource-group", group]
    return shlex.join([*words, "--subscription", subscription])


def _strays(findings: Sequence[Finding]) -> Iterator[Repair]:
    for one in findings:
        if one.question is not Question.GROUP or one.kind is not Kind.UNEXPECTED:
            continue
        yield Repair(
            f"{one.type} {one.resource} was made by hand: if it is needed, declare it in the"
            " program and import it, or accept it in the baseline"
        )
        if one.id:
            right = one.type == strays.RIGHT
            noun = ["role", "assignment"] if right else ["resource"]
            yield Repair(
                "or delete it",
                shlex.join(["az", *noun, "delete", "--ids", one.id]),
                f"DELETES {one.label if right else f'{one.resource} and all that is in it'}",
            )
        else:
            yield Repair(f"or delete {one.resource} by hand: its id is hidden")


def _up(stack: Stack, *urns: str) -> str:
    targets = [word for urn in urns for word in ("--target", urn)]
    return shlex.join(["pulumi", "up", "--refresh", *targets, "--stack", stack.name])
