"""Does the endpoint answer now, and as declared? It is asked where what runs it really is.

The service needs no login to Azure: it is asked, too, when Azure was not reached or refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from infra.disclosure import allow_list
from infra.disclosure.mask import HIDDEN, Mask
from infra.drift import endpoint
from infra.drift.actual import Actual
from infra.drift.endpoint import Declared
from infra.drift.errors import BREAKING, DriftError
from infra.drift.finding import Finding, Severity
from infra.drift.sample import Sample
from infra.drift.stack import Stack

ANSWERED = "answered"
SCORING_KEY = "SCORING_KEY"


@dataclass(frozen=True)
class Served:
    """What the endpoint said.

    Attributes:
        now: A sentence: whether it answers now.
        how: How the question went.
        findings: What it does not do as declared.
        broken: Why the question could not be answered whole, or None.
    """

    now: str
    how: str = ANSWERED
    findings: tuple[Finding, ...] = ()
    broken: DriftError | None = None


def ask(stack: Stack, group: Callable[[], Actual | None], sample: Sample, mask: Mask) -> Served:
    """Ask the endpoint.

    Args:
        stack: What is declared about it.
        group: Reads the container group, or the pods, as they are; None if they are missing. Where
            Azure or the cluster cannot tell, which it says by an error, the declared address is
            asked.
        sample: What to ask.
        mask: What may not be shown.
    """
    uri, sha256 = (stack.outputs.get(name) for name in ("scoring_uri", "model_sha256"))
    if not (isinstance(uri, str) and isinstance(sha256, str)):
        return Served("No endpoint is declared.", "no endpoint is declared")
    host = str(urlsplit(uri).hostname)
    moved: tuple[Finding, ...] = ()
    patience = endpoint.PATIENCE
    try:
        actual = group()
    except BREAKING:
        # The check breaks anyway: whether it answers now is all that is left to say.
        patience = 0.0
    else:
        if actual is None:
            return _without_group(stack, uri)
        if actual.state != "Running":
            shown = actual.state or "(none)"
            return Served(
                f"The endpoint does not answer: {actual.idle}.",
                f"not asked: {actual.idle}",
                (endpoint.finding("state", "Running", shown, Severity.CRITICAL),),
            )
        host = actual.host or host
        moved = (*_moved(uri, host, mask), *_stuck(actual, mask))
    declared = Declared(_base(uri, host), sha256, stack.secure_variable(SCORING_KEY))
    return _whole(declared, sample, mask, moved, patience)


def _without_group(stack: Stack, uri: str) -> Served:
    """Nothing in the state says what the group is; whether somebody answers can be asked."""
    alive = endpoint.answers(_base(uri, str(urlsplit(uri).hostname)))
    now = "The endpoint answers." if alive else "The endpoint does not answer."
    if stack.deployment:
        return Served(now, "not asked: its Deployment is missing")
    why = "is missing" if stack.scoring_group else "is in no state"
    return Served(now, f"not asked: its container group {why}")


def _base(uri: str, host: str) -> str:
    """The endpoint's URL without a path, at a host."""
    place = urlsplit(uri)
    return f"{place.scheme}://{host}:{place.port or (443 if place.scheme == 'https' else 80)}"


def _stuck(actual: Actual, mask: Mask) -> Iterator[Finding]:
    if actual.stuck:
        serving = "what was there before serves on"
        yield endpoint.finding(
            "rollout", "complete", mask.text(actual.stuck), Severity.MAJOR, serving
        )


def _whole(
    declared: Declared, sample: Sample, mask: Mask, moved: tuple[Finding, ...], patience: float
) -> Served:
    found = list(moved)
    notes: list[str] = []
    try:
        found += endpoint.check(declared, sample, mask, patience, note=notes.append)
    except endpoint.UnreachedError as error:
        return Served("The endpoint does not answer.", "not reached", tuple(found), error)
    except DriftError as error:
        return Served("The endpoint answers.", "not answered", tuple(found), error)
    wrong = [one for one in found if one.severity is Severity.CRITICAL]
    now = f"The endpoint answers{', but not as declared' if wrong else ''}."
    if any(one.path == "ready" for one in found):
        now = "The endpoint is not ready."
    return Served(now, "; ".join([ANSWERED, *notes]), tuple(found))


def _moved(uri: str, host: str, mask: Mask) -> tuple[Finding, ...]:
    declared = str(urlsplit(uri).hostname)
    if host == declared:
        return ()
    here = uri.replace(declared, host, 1)
    shown = here if allow_list.URL(here, mask) else HIDDEN
    return (endpoint.finding("scoring_uri", uri, shown, Severity.MAJOR, "it has another address"),)
