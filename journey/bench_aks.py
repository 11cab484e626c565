"""What the service does on the local Kubernetes: `python -m journey.bench_aks`, `make bench-aks`.

A stack of its own, removed at the end. Load comes from inside the cluster's network, through
kube-proxy, for the rates; from the host, through the load balancer's address, for lost requests.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from infra.scoring_service import NAME
from journey import simulated_nodes
from journey.simulated_nodes import Scheduled
from journey.stand import CommandFailedError, Stand, until
from local_azure.kubernetes import network
from scoring.bench import bodies, generator
from scoring.bench.callers import Callers
from scoring.bench.load import Load, WrongAnswerError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
PODS = (1, 2, 4)
ROWS = (1, 30)
SIMULATED = (1000, 5000)
LOW = 4
"""Percent of a core that a pod gets under load on a machine that is busy with other things."""
KILLED = "a killed node"
_PATIENCE_SECONDS = 600.0
_AFTER = 50
"""So many answers after a change still belong to it."""


@dataclass(frozen=True)
class Change:
    """A change under load.

    Attributes:
        what: Which.
        seconds: Until it was done: new pods ready, old ones out of the way.
        answers: How many requests were answered with 200.
        lost: What went wrong with each of the others.
        lost_seconds: From the begin of the change to the last of those.
    """

    what: str
    seconds: float
    answers: int
    lost: list[str]
    lost_seconds: float = 0.0


@dataclass
class Found:
    """All that was measured.

    Attributes:
        load: Who made the load.
        rates: By pods and rows.
        changes: Each with what it lost.
        simulated: Schedules of pods on simulated nodes.
    """

    load: str = ""
    rates: dict[str, Load] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    simulated: list[Scheduled] = field(default_factory=list)


def _request(row: bytes, rows: int) -> bytes:
    data = json.loads(row)["data"]
    return bodies.request("/score", json.dumps({"data": data * rows}).encode())


def autoscale(stand: Stand, **spec: Any) -> None:
    """Give the autoscaler other settings than the stack's; the next update takes them back."""
    patch = json.dumps({"spec": spec})
    where = (NAME, "--namespace", NAME)
    stand.kubectl("patch", "hpa", *where, "--type=merge", "--patch", patch)


def cpu_target(percent: int) -> list[dict[str, Any]]:
    """The `metrics` of an autoscaler that adds pods above so much of their cores."""
    target = {"type": "Utilization", "averageUtilization": percent}
    return [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]


def rates(stand: Stand, row: bytes, seconds: float, found: Found) -> None:
    """Requests a second and latencies of one, two and four pods, asked through kube-proxy.

    Raises:
        WrongAnswerError: There is no generator, or an answer was not 200.
    """
    service = stand.get("service", NAME, "--namespace", NAME)["spec"]
    inside = next(each.pid for each in stand.processes() if "kube-apiserver" in each.cmdline())
    load = generator.elsewhere(service["clusterIP"], network.joining(inside))
    if load is None:
        raise WrongAnswerError("no load generator: install wrk (apt-get install wrk), or Go")
    found.load = load.name
    for pods in PODS:
        autoscale(stand, minReplicas=pods, maxReplicas=pods)
        until(lambda pods=pods: len(stand.ready()) == len(stand.pods()) == pods, _PATIENCE_SECONDS)
        for rows in ROWS:
            port = int(service["ports"][0]["port"])
            done = load.run(port, _request(row, rows), b"", seconds, threads=2)
            found.rates[f"{pods} {rows}"] = done


def under_load(
    stand: Stand, row: bytes, change: Callable[[], object], groups: Mapping[str, Mapping[str, Any]]
) -> list[Change]:
    """Make a change while callers ask; the seconds that it took, and what each group lost.

    Args:
        stand: Where.
        row: What is asked.
        change: Returns when it is done.
        groups: The settings of callers, by what the change is called for them.
    """
    uri = str(stand.outputs()["scoring_uri"])
    with ExitStack() as stack:
        asking = {
            what: stack.enter_context(Callers(uri, row, **settings))
            for what, settings in groups.items()
        }
        began = time.monotonic()
        change()
        seconds = time.monotonic() - began
        for callers in asking.values():
            wanted = callers.answers + _AFTER
            until(lambda callers=callers, w=wanted: callers.answers >= w, _PATIENCE_SECONDS)
    return [
        Change(what, seconds, each.answers, each.failures, max(each.last_failure - began, 0.0))
        for what, each in asking.items()
    ]


def scaling(stand: Stand, row: bytes) -> list[Change]:
    """From the begin of a load to the first new pod that is ready."""
    # Lower than a stack may say: the load and the pods share the machine's cores with the cluster.
    autoscale(stand, metrics=cpu_target(LOW))
    before = len(stand.ready())
    heavy = json.dumps({"data": json.loads(row)["data"] * 300}).encode()

    def more() -> None:
        until(lambda: len(stand.ready()) > before, _PATIENCE_SECONDS)

    what = "load until the autoscaler's first new pod"
    return under_load(stand, heavy, more, {what: {"callers": 8, "pause": 0.0}})


def changes(stand: Stand, row: bytes) -> Iterator[Change]:
    """A roll-out, a drain, a killed node, a new pod."""
    roll = {"a roll-out": {}}
    yield from under_load(stand, row, lambda: stand.up("description=rolled out"), roll)
    node = str(stand.ready()[0]["spec"]["nodeName"])
    drain = ("drain", node, "--ignore-daemonsets", "--delete-emptydir-data")

    def gone() -> bool:
        nodes = [each["spec"]["nodeName"] for each in stand.ready()]
        return len(nodes) == 2 and node not in nodes

    def drained() -> None:
        stand.kubectl(*drain)
        until(gone, _PATIENCE_SECONDS)

    yield from under_load(stand, row, drained, {"a drain": {}})
    stand.kubectl("uncordon", node)
    node = str(stand.ready()[0]["spec"]["nodeName"])

    def killed() -> None:
        stand.lose(node)
        until(gone, _PATIENCE_SECONDS)

    groups = {
        f"{KILLED}, new connections": {"keep": False},
        f"{KILLED}, kept connections": {"keep": True},
    }
    yield from under_load(stand, row, killed, groups)
    (stand.folder / f"start-{node}").touch()
    until(lambda: " Ready " in stand.kubectl("get", "node", node, "--no-headers"), 300)
    yield from scaling(stand, row)


def markdown(found: Found) -> str:
    """Tables."""
    lines: list[str] = []
    if found.rates:
        lines += ["| pods | rows | requests a second | p50 | p99 |", "|---|---|---|---|---|"]
    for key, load in found.rates.items():
        pods, rows = key.split()
        times = f"{load.p50 * 1e3:.1f} ms | {load.p99 * 1e3:.1f} ms"
        lines.append(f"| {pods} | {rows} | {load.rate:,.0f} | {times} |")
    if found.changes:
        lines += [
            "",
            "| change under load | seconds | answered | lost | the last after |",
            "|---|---|---|---|---|",
        ]
    for each in found.changes:
        last = f"{each.lost_seconds:.1f} s" if each.lost else "-"
        told = f"| {each.what} | {each.seconds:.1f} | {each.answers:,} | {len(each.lost):,} "
        lines.append(f"{told}| {last} |")
    if found.simulated:
        lines += ["", *simulated_nodes.table(found.simulated)]
    return "\n".join(lines) + "\n"


def measure(found: Found, say: Callable[[str], None], seconds: float, simulated: bool) -> None:
    """Deploy a stack, measure all, remove it.

    Raises:
        CommandFailedError: A command failed.
        TimeoutError: Something did not happen.
        WrongAnswerError: There is no generator, or an answer was not 200.
    """
    with tempfile.TemporaryDirectory(prefix="bench-aks-") as name:
        stand = Stand(Path(name) / "state")
        try:
            say("deploying")
            stand.journey("up", "--target", "aks")
            row = (stand.state / "out" / "sample.json").read_bytes()
            say("rates through kube-proxy")
            rates(stand, row, seconds, found)
            stand.up()
            until(lambda: len(stand.ready()) == len(stand.pods()) == 2, _PATIENCE_SECONDS)
            for change in changes(stand, row):
                say(f"{change.what}: {change.answers} answered, {len(change.lost)} lost")
                found.changes.append(change)
            if simulated:
                for each in simulated_nodes.measure(stand, SIMULATED, say):
                    found.simulated.append(each)
        finally:
            stand.reset()


@app.command()
def main(
    seconds: Annotated[float, typer.Option(min=1, metavar="S", help="Of load for each rate.")] = 5,
    simulated: Annotated[
        bool, typer.Option(help="Also schedule 1,000 and 5,000 pods on simulated nodes (kwok).")
    ] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write all figures as JSON.")
    ] = None,
) -> None:
    """Measure the local Kubernetes: rates, lost requests, the autoscaler's time.

    Exit codes: 0 all was measured; 1 something failed, or a planned change lost a request.
    """
    found, failed = Found(), ""
    try:
        measure(found, lambda text: typer.echo(text, err=True), seconds, simulated)
    except (CommandFailedError, TimeoutError, WrongAnswerError) as error:
        failed = " ".join(str(error).split())[-600:]
    typer.echo(f"Load by {found.load}.\n\n{markdown(found)}")
    if json_file:
        json_file.write_text(json.dumps(asdict(found), indent=2) + "\n")
    lost = [each.what for each in found.changes if each.lost and not each.what.startswith(KILLED)]
    if lost:
        failed = f"{failed}; requests were lost in {', '.join(lost)}".removeprefix("; ")
    if failed:
        typer.echo(f"error: {failed}", err=True)
        raise typer.Exit(1)


if __name__ == "__main__":
    app(prog_name="python -m journey.bench_aks")
