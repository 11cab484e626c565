"""The parts of the Markdown report, each in several lengths from whole to brief."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from infra.disclosure.display import LATER
from infra.disclosure.markdown import code, details, fence, table
from infra.preview.plan import Op
from infra.review.causes import groups, some
from infra.review.judgement import Finding
from infra.review.model import ModelChange, Side
from infra.review.report import Report
from infra.review.resource_change import ResourceChange, Row

WORST_CELLS = 10
"""Cells of a confusion matrix that are listed; the rest is counted."""


SHARED = 2
"""From so many resources on, an equal change is told once."""


def _more(count: int, text: str) -> str:
    """That something is left out; nothing where nothing is."""
    return text.format(count) if count > 0 else ""


def moved(lines: Sequence[str]) -> Iterator[str]:
    """What is not as it was reviewed."""
    if lines:
        for most in (40, 10):
            left = _more(len(lines) - most, "\n- and {} more")
            shown = "\n".join(f"- {line}" for line in lines[:most])
            yield f"### Not as it was reviewed\n\n{shown}{left}"


def obstacles(report: Report) -> Iterator[str]:
    """Why the update cannot finish, and what to do instead."""
    if not report.obstacles:
        return
    for count in (20, 5, 1):
        lines = [
            f"- {code(one.resource)}"
            + (f" needs the name {code(one.name)}" if one.name else "")
            + f": {one.why}\n  - What to do: {one.remedy}"
            for one in report.obstacles[:count]
        ]
        left = _more(len(report.obstacles) - count, "\n- And {} more.")
        yield "### This update cannot finish\n\n" + "\n".join(lines) + left


def destructive(report: Report) -> Iterator[str]:
    """Deletes and replaces with what forces them: in full, a line each, as names by type."""
    changes = [one for one in report.changes if one.destructive]
    if not changes:
        return
    title = "### Deleted or replaced\n\n"
    yield title + "\n".join(_destructive(one, whole=True) for one in changes)
    yield title + "\n".join(_destructive(one, whole=False) for one in changes)
    groups = [
        (op, kind, [one.name for one in group])
        for (op, kind), group in groupby(changes, key=lambda one: (one.op, one.type))
    ]
    yield title + "\n".join(
        f"- **{op}** {len(names)} {code(kind)}: "
        + ", ".join(code(name if len(name) <= 48 else f"{name[:45]}...") for name in names)
        for op, kind, names in groups
    )
    yield title + "\n".join(
        f"- **{op}** {len(names)} {code(kind)}" for op, kind, names in groups[:200]
    )


def _destructive(change: ResourceChange, *, whole: bool) -> str:
    text = f"- **{change.op}** {code(change.name)} ({code(change.type)})"
    if change.forced_by:
        rows = change.forced_by[: 5 if whole else 3]
        forced = ", ".join(
            f"{code(row.path)} {code(row.before)} -> {code(row.after)}" if whole else code(row.path)
            for row in rows
        )
        text += f", forced by {forced}" + _more(len(change.forced_by) - len(rows), " and {} more")
    elif change.op is Op.REPLACE:
        text += ", forced by something that the provider does not name"
    notes = [f"  - {_sentence(note)}" for note in change.notes]
    if change.protected:
        notes.insert(0, "  - **protected**: Pulumi will refuse")
    return "\n".join([text, *(notes if whole else notes[:1] if change.protected else [])])


def _sentence(note: str) -> str:
    return note[0].upper() + note[1:]


def problems(report: Report) -> Iterator[str]:
    """Errors and warnings, secrets taken out."""
    if not report.problems:
        return
    order = {said: index for index, said in enumerate(report.errors)}
    errors = sorted(
        report.problems,
        key=lambda one: (one.severity != "error", order.get(" ".join(one.message.split()), 0)),
    )
    for count, length in ((20, 2000), (10, 500), (3, 300)):
        parts = [
            f"**{one.severity}**"
            + (f" at {code(one.resource)}" if one.resource else "")
            + f"\n\n{fence(_cut(one.message, length))}"
            for one in errors[:count]
        ]
        left = _more(len(errors) - count, "\n\nAnd {} more.")
        yield "### Errors and warnings\n\n" + "\n\n".join(parts) + left


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}\n... ({len(text)} characters)"


def models(report: Report) -> Iterator[str]:
    """Which model answers before and after, and what got worse."""
    if not report.models:
        return
    for count in (5, 1):
        parts = [_model(one) for one in report.models[:count]]
        if len(report.models) > count:
            parts.append(f"And {len(report.models) - count} more container groups.")
        broken = [f"Not readable: {code(one)}" for one in report.manifests_broken[:5]]
        yield "### Model\n\n" + "\n\n".join([*parts, *broken])


def _model(change: ModelChange) -> str:
    names = ("image", "model", "version", "sha256", "accuracy")
    rows = list(zip(names, _side(change.old), _side(change.new), strict=True))
    parts = [table([code(change.group), "before", "after"], rows)]
    if change.old and change.new:
        parts.append(_comparison(change))
    return "\n\n".join(parts)


def _side(side: Side | None) -> tuple[str, ...]:
    """Its image, model, version, SHA-256 and accuracy."""
    if side is None:
        return ("(none)",) * 5
    manifest, version, accuracy = side.manifest, code(side.version or "unknown"), "unknown"
    if manifest and manifest.accuracy is not None:
        of = f" of {manifest.rows} samples" if manifest.rows else ""
        accuracy = f"{manifest.accuracy:.4f}{of}"
    return (
        ", ".join(code(one) if one else LATER for one in side.images[:3]) or "(none)",
        code(manifest.name) if manifest else "no manifest with this sha256",
        f"[{version}]({side.url})" if side.url else version,
        code(side.sha256 or "unknown"),
        accuracy,
    )


def _comparison(change: ModelChange) -> str:
    old = change.old.manifest if change.old else None
    new = change.new.manifest if change.new else None
    if change.same_model:
        return "Another image with the same model."
    if old is None or new is None:
        return "The confusion matrices cannot be compared: a manifest is missing."
    if change.incomparable:
        return f"The confusion matrices cannot be compared: {change.incomparable}."
    gained = ""
    if old.accuracy is not None and new.accuracy is not None:
        gained = f"Accuracy {new.accuracy - old.accuracy:+.4f}. "
    if not change.worse:
        return f"{gained}No cell of the confusion matrix got worse."
    rows = [
        [code(one.true), code(one.predicted), str(one.before), str(one.after), f"{one.worse_by}"]
        for one in change.worse[:WORST_CELLS]
    ]
    more = _more(len(change.worse) - len(rows), "\n\nAnd {} more, none worse than these.")
    worse = table(["true label", "predicted", "before", "after", "worse by"], rows)
    title = f"{gained}Cells of the confusion matrix that got worse: {len(change.worse)}."
    return f"{title}\n\n{worse}{more}"


def policies(report: Report) -> Iterator[str]:
    """What the rules say, by rule: all resources of a rule, or some and a count."""
    if not report.findings and not report.undecided:
        return
    for most in (20, 5, 1, 0):
        parts: list[str] = []
        if report.findings:
            parts.append("### Policies\n\n" + _rules(report.findings, most))
        if report.undecided:
            parts.append(
                "### Policies that are not decided\n\n"
                "A rule needs a value that only the update produces, or that is secret: it is "
                "neither kept nor broken.\n\n" + _rules(report.undecided, most)
            )
        yield "\n\n".join(parts)


def by_rule(findings: Sequence[Finding]) -> list[list[Finding]]:
    """The findings of each rule; they stand together already."""
    return [list(group) for _, group in groupby(findings, key=lambda one: one.rule)]


def _rules(findings: Sequence[Finding], most: int) -> str:
    return "\n".join(_rule(group, most) for group in by_rule(findings))


def _rule(findings: Sequence[Finding], most: int) -> str:
    first = findings[0]
    level = "mandatory" if first.mandatory else "advisory"
    # The description is a sentence of ours; only what a plan holds can break out of its line.
    lines = [f"- **{level}** {code(first.rule)}: {first.description}"]
    said: dict[str, list[str]] = {}
    for one in findings:
        said.setdefault(one.message, []).append(one.resource)
    for message, names in list(said.items())[:most]:
        if len(names) == 1:
            lines.append(f"  - {code(names[0])}: {code(message)}")
        else:
            lines.append(f"  - {len(names)} resources: {code(message)}: {some(names, most)}")
    more = len(findings) - sum(len(names) for names in list(said.values())[:most])
    if more > 0:
        lines.append(f"  - {more} {'more ' if most else ''}resource{'s' if more > 1 else ''}")
    return "\n".join(lines)


def shared(report: Report) -> Iterator[str]:
    """Changes that several resources have in common, once."""
    found = _shared(report)
    if not found:
        return
    for most, named in ((60, 12), (20, 3), (5, 0)):
        cells = [
            [_path(row), code(row.before), code(row.after), some(names, named)]
            for row, names in found[:most]
        ]
        left = _more(len(found) - len(cells), "\n\nAnd {} more.")
        header = ["property", "before", "after", "resources"]
        yield "### The same on several resources\n\n" + table(header, cells) + left


def unsettled(report: Report) -> Iterator[str]:
    """What is not known before the update, and may stay as it is."""
    if report.unsettled:
        for most in (20, 3):
            lines = [f"- {code(path)} of {code(name)}" for name, path in report.unsettled[:most]]
            left = _more(len(report.unsettled) - most, "\n- and {} more")
            yield (
                "### Not known before the update\n\nWhat these come from stays, so they are not "
                "counted as changes.\n\n" + "\n".join(lines) + left
            )


def own_rows(change: ResourceChange, told: frozenset[tuple[str, str, str, str]]) -> ResourceChange:
    """The change without the rows that were told for several resources at once."""
    return replace(change, rows=tuple(row for row in change.rows if row.told not in told))


def told_once(report: Report) -> frozenset[tuple[str, str, str, str]]:
    """Rows that `shared` tells."""
    return frozenset(row.told for row, _ in _shared(report))


def _shared(report: Report) -> list[tuple[Row, list[str]]]:
    return [(row, names) for row, names in groups(report.changes) if len(names) >= SHARED]


def resource(change: ResourceChange) -> Iterator[str]:
    """One table of properties: whole, or its first rows and a count."""
    for most in (60, 10, 3):
        rows = change.rows[:most]
        left = _more(len(change.rows) - len(rows), "\n\nAnd {} more properties.")
        title = f"{code(change.name)} ({code(change.type)})"
        if change.op is Op.CREATE:
            body = table(["property", "value"], [[_path(row), code(row.after)] for row in rows])
            yield f"**{change.op}** {title}\n\n" + details(
                f"{len(change.rows)} properties", body + left
            )
        else:
            planned = (
                f" (the provider says {change.planned})" if change.planned != change.op else ""
            )
            cells = [[_path(row), code(row.before), code(row.after)] for row in rows]
            notes = (
                "" if change.destructive else "".join(f"\n{_sentence(n)}." for n in change.notes)
            )
            yield (
                f"**{change.op}** {title}{planned}{notes}\n\n"
                + table(["property", "before", "after"], cells)
                + left
            )


def _path(row: Row) -> str:
    label = f" ({code(row.label)})" if row.label and row.label not in row.path else ""
    return code(row.path) + label + (" **forces the replacement**" if row.forces else "")


def outputs(report: Report) -> Iterator[str]:
    """Stack outputs that change."""
    for most in (50, 10):
        if report.outputs:
            rows = report.outputs[:most]
            cells = [[code(row.path), code(row.before), code(row.after)] for row in rows]
            left = _more(len(report.outputs) - len(rows), "\n\nAnd {} more outputs.")
            yield "### Stack outputs\n\n" + table(["output", "before", "after"], cells) + left


def unchanged(report: Report) -> Iterator[str]:
    """Names of the unchanged resources, folded."""
    count = len(report.unchanged)
    if count:
        for most in (200, 20, 0):
            names = ", ".join(map(code, report.unchanged[:most]))
            more = _more(count - most, " and {} more")
            yield details(f"{count} unchanged", names + more)
